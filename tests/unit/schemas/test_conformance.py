"""Every shape of event in the examples and notes of CloudEvents 1.0.2 is opened as its specification says.

Sources: the JSON event format 1.0.2, the Kafka protocol binding 1.0.2, and the features and events of
cloudevents/conformance. The ids and subjects are ours, since we ask for more than CloudEvents does.
"""

import base64
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from schemas.message import Attributes, UnreadableError, opened

ID = "7dc60ded-a1bf-5e9f-852e-14af91e34238"
REQUIRED = {"specversion": "1.0", "id": ID, "source": "/mycontext", "type": "com.example.someevent", "subject": "s-1"}
TIME = "2018-04-05T17:31:00Z"
STRUCTURED = "application/cloudevents+json; charset=UTF-8"
EXTENSIONS: dict[str, Any] = {"comexampleextension1": "value", "comexampleothervalue": 5, "comexampleflag": True}
NO_JSON = "datacontenttype: must be a JSON media type such as application/json"
PLAIN_OBJECT = {"appinfoA": "abc", "appinfoB": 123, "appinfoC": True}
VALUES: list[Any] = [
    PLAIN_OBJECT,
    ["Hello", "🌎!"],
    "I'm just a string",
    "Hello, 🌎!",
    "",
    5,
    1.5,
    True,
    False,
    None,
    {},
    [],
]
JSON_TYPES = [
    "application/json",
    "application/json; charset=utf-8",
    "text/json",
    "application/vnd.example.v1+json",
    None,
]
OTHER_TYPES = {
    "application/xml": '<much wow="xml"/>',
    "application/xml; charset=utf-8": "<msg>Hello, 🌎!</msg>",
    "text/plain; charset=us-ascii": "Hello, World!",
    "application/vnd.apache.thrift.binary": "…",
    "application/avro": "…",
    "application/jsonl": "{}",
}


def structured(content_type: str | None = STRUCTURED, **members: Any) -> tuple[Attributes, Any]:
    headers = [] if content_type is None else [("content-type", content_type.encode())]
    return opened(orjson.dumps(REQUIRED | members), headers)


def binary(value: bytes, **headers: str | None) -> tuple[Attributes, Any]:
    named = {f"ce_{name}": text for name, text in REQUIRED.items()} | {
        name.replace("content_type", "content-type"): text for name, text in headers.items()
    }
    return opened(value, [(name, None if text is None else text.encode()) for name, text in named.items()])


def base_64(value: Any) -> str:
    return base64.b64encode(orjson.dumps(value)).decode()


def sentence(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(UnreadableError) as refused:
        call(*args, **kwargs)
    return str(refused.value)


@pytest.mark.parametrize("datacontenttype", JSON_TYPES)
@pytest.mark.parametrize("data", VALUES, ids=repr)
def test_data_of_a_json_type_is_any_json_value_as_it_stands(data: Any, datacontenttype: str | None) -> None:
    assert structured(data=data, datacontenttype=datacontenttype)[1] == data
    assert structured(data_base64=base_64(data), datacontenttype=datacontenttype)[1] == data
    assert binary(orjson.dumps(data), content_type=datacontenttype)[1] == data


@pytest.mark.parametrize("text", ['{"appinfoA":"abc"}', "[1]", "5", "null", '"quoted"'])
def test_a_json_string_that_holds_json_stays_a_string_in_both_modes(text: str) -> None:
    assert structured(data=text, datacontenttype="application/json")[1] == text
    assert structured(data=text)[1] == text
    assert structured(data_base64=base_64(text))[1] == text
    assert binary(orjson.dumps(text), content_type="application/json")[1] == text


def test_text_without_quotes_is_no_json_in_binary_mode() -> None:
    assert sentence(binary, b"I'm just a string", content_type="application/json").startswith("the value is not JSON")


@pytest.mark.parametrize(("datacontenttype", "data"), OTHER_TYPES.items())
def test_data_of_another_type_is_refused_in_each_form(datacontenttype: str, data: str) -> None:
    encoded = base64.b64encode(data.encode()).decode()
    assert sentence(structured, data=data, datacontenttype=datacontenttype) == NO_JSON
    assert sentence(structured, data_base64=encoded, datacontenttype=datacontenttype) == NO_JSON
    assert sentence(binary, data.encode(), content_type=datacontenttype) == NO_JSON


def test_an_event_may_have_no_data() -> None:
    assert structured()[1] is None
    assert structured(data_base64=None)[1] is None


def test_null_beside_the_other_form_of_data_counts_as_absent() -> None:
    assert structured(data=None, data_base64=base_64(PLAIN_OBJECT))[1] == PLAIN_OBJECT
    assert structured(data=PLAIN_OBJECT, data_base64=None)[1] == PLAIN_OBJECT


def test_both_forms_of_data_exclude_each_other() -> None:
    assert sentence(structured, data={}, data_base64=base_64({})) == "an event has data or data_base64, not both"


@pytest.mark.parametrize("name", ["time", "datacontenttype", "dataschema", "traceparent", "unsetextension"])
def test_null_is_the_same_as_leaving_an_attribute_out(name: str) -> None:
    assert structured(**{name: None}, data=5) == structured(data=5)


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "subject"])
def test_null_for_an_attribute_that_we_need_is_refused_as_missing(name: str) -> None:
    assert sentence(structured, **{name: None}) == f"{name}: is missing"
    assert sentence(binary, b"{}", **{f"ce_{name}": None}).startswith("specversion" if name == "specversion" else name)


def test_extensions_of_every_type_are_passed_over_in_both_modes() -> None:
    assert structured(data=5, **EXTENSIONS) == structured(data=5)
    headers = {f"ce_{name}": str(value) for name, value in EXTENSIONS.items()}
    assert binary(b"5", **headers) == binary(b"5")


def test_attributes_and_data_are_the_same_in_both_modes() -> None:
    in_json = structured(time=TIME, datacontenttype="application/json", data=PLAIN_OBJECT)
    in_headers = binary(orjson.dumps(PLAIN_OBJECT), ce_time=TIME, content_type="application/json")
    assert in_json == in_headers
    attributes, data = in_json
    assert data == PLAIN_OBJECT
    assert attributes.time == datetime(2018, 4, 5, 17, 31, tzinfo=UTC)
    assert attributes.model_dump(mode="json", exclude_none=True) == REQUIRED | {
        "time": TIME,
        "datacontenttype": "application/json",
    }


@pytest.mark.parametrize(
    "content_type", ["application/cloudevents+json", "application/cloudevents+json; charset=utf-8"]
)
def test_a_structured_message_is_known_by_its_content_type_alone(content_type: str) -> None:
    attributes, data = structured(content_type, data={"message": "Hello World!"}, datacontenttype="application/json")
    assert (str(attributes.id), attributes.datacontenttype) == (ID, "application/json")
    assert data == {"message": "Hello World!"}


def test_attributes_in_the_value_count_where_a_structured_message_repeats_them_as_headers() -> None:
    headers = {f"ce_{name}": f"other-{text}" for name, text in REQUIRED.items()} | {"content-type": STRUCTURED}
    pairs = [(name, text.encode()) for name, text in headers.items()]
    assert opened(orjson.dumps(REQUIRED | {"data": 5}), pairs) == structured(data=5)


def test_a_value_that_looks_like_an_event_is_only_data_in_binary_mode() -> None:
    inner = REQUIRED | {"type": "com.example.other", "data": 5}
    attributes, data = binary(orjson.dumps(inner), content_type="application/json")
    assert (attributes.type, data) == ("com.example.someevent", inner)


def test_the_content_type_of_a_binary_message_is_the_type_of_its_data() -> None:
    assert (
        binary(b"5", content_type="text/json", ce_datacontenttype="application/xml")[0].datacontenttype == "text/json"
    )
    assert sentence(binary, b"5", content_type="application/avro", ce_datacontenttype="text/json") == NO_JSON


@pytest.mark.parametrize(
    "content_type",
    [
        "application/cloudevents+avro",
        "application/cloudevents+xml",
        "application/cloudevents+protobuf",
        "application/cloudevents-batch+json",
        "application/cloudevents+jsonl",
    ],
)
def test_a_message_in_another_format_is_not_taken_for_binary_though_its_headers_have_the_attributes(
    content_type: str,
) -> None:
    why = f"of the formats of CloudEvents only JSON is read, not '{content_type}'"
    assert sentence(binary, b"{}", content_type=content_type) == why


def test_a_batch_is_no_event() -> None:
    batch = orjson.dumps([REQUIRED, REQUIRED])
    assert sentence(opened, batch, [("content-type", STRUCTURED.encode())]) == (
        "the message is JSON but not a CloudEvent"
    )
    assert sentence(opened, batch, []) == "the message is JSON but not a CloudEvent"
