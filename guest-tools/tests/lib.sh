# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the test scripts share.  Each is called as NAME.sh PROGRAM SCRATCH, runs
# cpuid-probe on recorded machines, and prints TAP.  See run.sh for $WRAPPER.
# Sourced, not run.

program=${1:?usage: NAME.sh PROGRAM SCRATCH}
scratch=${2:?usage: NAME.sh PROGRAM SCRATCH}
# shellcheck disable=SC2034 # for the scripts
machines=$(cd "$(dirname "$0")/machines" && pwd)
tests=0

ok() {
	tests=$((tests + 1))
	echo "ok $tests - $1"
}

not_ok() {
	tests=$((tests + 1))
	echo "not ok $tests - $1"
	shift
	printf '#   %s\n' "$@"
	sed 's/^/#   out: /' "$scratch/out"
	sed 's/^/#   err: /' "$scratch/err"
}

skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

# check NAME COMMAND...: the command succeeds.
check() {
	name=$1
	shift
	if "$@"; then
		ok "$name"
	else
		not_ok "$name" "false: $*"
	fi
}

# Runs the program; leaves out, err and $status.
probe() {
	status=0
	# shellcheck disable=SC2086 # WRAPPER is a command with its arguments
	${WRAPPER:-} "$program" "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
}

# expect_status NAME STATUS: the last run ended so, with output on one stream only.
expect_status() {
	if [ "$status" -ne "$2" ]; then
		not_ok "$1" "status $status, expected $2"
	elif [ -s "$scratch/out" ] && [ -s "$scratch/err" ]; then
		not_ok "$1" "output on both streams"
	else
		ok "$1"
	fi
}

# Lines (fixed strings) that the last run's output has.
expect_lines() {
	name=$1
	shift
	for line in "$@"; do
		if ! grep -qxF -e "$line" "$scratch/out"; then
			not_ok "$name" "no line: $line"
			return
		fi
	done
	ok "$name"
}

# json_is NAME JQ-EXPRESSION [FILE]: one JSON document, of which the expression is true.
json_is() {
	if ! command -v jq >/dev/null; then
		skip "$1" "jq is not installed"
	elif [ "$(jq -s "length == 1 and (.[0] | $2)" "${3:-$scratch/out}")" = true ]; then
		ok "$1"
	else
		not_ok "$1" "not true: $2"
	fi
}

# refused ARGUMENT...: with the valid form, on standard error only, and status 2.
# Without the wrapper: it makes each run take a second, and these are many and end early.
refused() {
	wrapper=${WRAPPER:-}
	WRAPPER=''
	probe "$@"
	WRAPPER=$wrapper
	if [ "$status" -eq 2 ] && [ ! -s "$scratch/out" ] && grep -q '^Usage: ' "$scratch/err"; then
		ok "refused: $*"
	else
		not_ok "refused: $*" "status $status, expected 2"
	fi
}
