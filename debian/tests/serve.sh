# Sourced by tests: what "make serve" does, on any free port.
# shellcheck shell=sh
# shellcheck disable=SC2034 # the tests use port and server

# serve REPO: sets port, and server, the process to end.
serve() {
	: >"$work/server"
	PYTHONUNBUFFERED=1 "$top/debian/bin/serve-repo" "$1" 0 >"$work/server" 2>&1 &
	server=$!
	port=
	for _ in $(seq 60); do
		port=$(sed -n 's/^Serving HTTP on .* port \([0-9]*\) .*/\1/p' "$work/server")
		[ -z "$port" ] || return 0
		sleep 0.5
	done
	cat "$work/server" >&2
	die "\"make serve\" serves nothing (see above)"
}
