# Starts a Docker daemon if none is running, and stops it again. Source this file.

dockerd_pid=
dockerd_log=$(mktemp)

start_docker() {
    if docker info >/dev/null 2>&1; then return; fi
    dockerd ${DOCKER_HOST:+--host "$DOCKER_HOST"} >"$dockerd_log" 2>&1 &
    dockerd_pid=$!
    for _ in $(seq 120); do
        if docker info >/dev/null 2>&1; then return; fi
        sleep 0.5
    done
    echo "dockerd did not start; the end of its log:" >&2
    tail -n 30 "$dockerd_log" >&2
    return 1
}

# Prints nothing, so that the test summary stays the last output of a run.
stop_docker() {
    if [ -n "$dockerd_pid" ]; then
        kill "$dockerd_pid" 2>/dev/null || true
        wait "$dockerd_pid" 2>/dev/null || true
    fi
    rm -f "$dockerd_log"
}
