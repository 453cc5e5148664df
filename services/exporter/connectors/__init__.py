"""Everything that a connector needs: the bridge between the exporter and one kind of ERP.

Read in this order:

1. `types.py`: what the exporter asks a connector to write, and the answers that a connector may give.
2. `protocol.py`: the methods of a connector, and the settings that every connection has.
3. `http.py`: a complete connector; `http_request.py` is what it sends, `http_response.py` what an answer means.
   `http_body.py`, `http_document.py`, `http_words.py` and `retry_after.py` read the parts of an answer;
   `http.failures.toml` says what refusals mean for people, and `http_check.py` checks a connection. `http_call.py` and
   `tls.py` are for every connector that calls over HTTP.
4. `tryton.py`: a connector with sessions and look-ups; `tryton_rpc.py` calls, `tryton_answer.py` judges the answer,
   `tryton_mapping.py` decides which records a commitment means, `tryton_purchase.py` is what is written.
5. `lambda_erp.py`: a connector for an ERP with rules of its own. `lambda_erp_order.py` is what it writes,
   `lambda_erp_answer.py` what the answers mean, and `lambda_erp.failures.toml` what refusals mean for people.
6. `pull.py`: what a connector is whose ERP cannot be called, but asks for work; `quickbooks/` is one.
7. `limits/`: what well-known ERPs take, as data that a connection's `limits` may name.

A connector may live in a package of its own, which names its class under the entry point `countersign.connectors`:

    [project.entry-points."countersign.connectors"]
    sap = "our_connectors.sap:SapConnector"

A `[[connection]]` with `kind = "sap"` in the file that ERP_CONNECTIONS names then uses that class. The exporter decides
when to call, what an answer leads to, and when to try again. A connector only translates. The tests in
`services.exporter.connector_tests` say whether it does that safely; docs/connectors/writing-a-connector.md shows how.
"""
