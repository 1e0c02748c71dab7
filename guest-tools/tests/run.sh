#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh BUILD: runs the unit tests and those of the commands with the programs in BUILD
# and ends with the line "N passed, N failed, N skipped"; status 1 if any failed.
# $WRAPPER, if set, is put before each of these programs (valgrind).
set -eu

build=${1:?usage: run.sh BUILD}
build=$(cd "$build" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# Runs one test program: its lines, then its last words about its own end.  A
# program that stops in the middle has no plan ("1..N") and counts as a failure.
run() {
	name=$1
	shift
	status=0
	"$@" >"$scratch/log" || status=$?
	cat "$scratch/log" >>"$scratch/all"
	grep -v '^1\.\.' "$scratch/log" || :
	if [ "$status" -ne 0 ] || ! grep -q '^1\.\.' "$scratch/log"; then
		echo "not ok - $name ended early or with an error, status $status" |
			tee -a "$scratch/all"
	fi
}

# shellcheck disable=SC2086 # WRAPPER is a command with its arguments
run unit ${WRAPPER:-} "$build/unit" "$scratch/recording"
for script in replay stat series others; do
	run "$script" "$here/$script.sh" "$build/cpuid-probe" "$scratch"
done

awk '
	/^ok .*# SKIP/	{ skipped++; next }
	/^ok /		{ passed++ }
	/^not ok /	{ failed++ }
	END {
		printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
		exit failed > 0
	}' "$scratch/all"
