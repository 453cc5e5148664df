# One image for the four services and for `migrate` and `topics`; the entry point is the `countersign` command.
# Debian, because confluent-kafka has no wheels for musl; 3.11, because that is the Python that the tests run on.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
RUN python3 -m venv /opt/countersign
WORKDIR /build
COPY requirements.lock ./
# Wheels with known hashes only: no code of a dependency runs while the image is built.
RUN /opt/countersign/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY services services
RUN /opt/countersign/bin/pip install --no-cache-dir --no-deps .

FROM ${BASE_IMAGE}
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin countersign
COPY --from=build /opt/countersign /opt/countersign
# Listen on all interfaces: whether the port is reachable is decided when the container is run.
ENV PATH=/opt/countersign/bin:$PATH PYTHONUNBUFFERED=1 HTTP_HOST=0.0.0.0 HTTP_PORT=8000
EXPOSE 8000
USER 10001:10001
ENTRYPOINT ["countersign"]
