#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# "stat": recorded runs, and the command's exit status and signals.  See lib.sh.
set -eu

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

two_runs=$machines/stat-svm.txt
series=$machines/series-vmx.txt

# --- Recorded runs
probe stat --json --from "$two_runs" --to "$scratch/report"
json_is "stat: 10000 CPUIDs are 10000, with own exits left out" '
	.reasons[0] == {reason: 114, name: "CPUID", exits: 10000, exits_deviation: 0.0,
		exits_percent: 99.84, cycles: 21000000, cycles_deviation: 1414213.6,
		cycles_percent: 99.80, cycles_per_exit: 2100, us_per_exit: 0.840,
		time_percent: 76.36, away_cycles: 21000000} and .own.exits == 28 and .runs == 2 and
	.totals.exits == 10016 and .status == null and .restarts == 0 and
	.wall_seconds == 0.011 and .exits_deviation == 1.4' "$scratch/report"

probe stat --from "$two_runs"
cp "$scratch/err" "$scratch/out"
expect_lines "stat: the summary" \
	"Exits of this machine during a recorded run, mean and deviation of 2 runs:" \
	"        0.011000 s +- 0.001414 of wall time" \
	"           10016 +- 1.4 exits, 910545.5 per second" \
	"        0.008417 s +- 0.000566 in the hypervisor: 76.52 % of the wall time"

probe stat --per-second --raw -o name,exits/s --from "$two_runs" --to "$scratch/report"
check "stat: rates" grep -qx 'CPUID 909090.9' "$scratch/report"
probe stat --raw -R EPT_VIOLATION,48,10 -o name,exits --from "$series" --to "$scratch/report"
check "stat: chosen reasons" grep -qx 'EPT_VIOLATION 12500' "$scratch/report"

probe stat --from "$machines/full-vmx.txt"
expect_status "stat: one reading is no run" 125

# A restart between the two readings of a run.
{ sed -n '/^@ 1764000005/,$p' "$series" | sed 1d; } >"$scratch/tail"
awk '/^@ 1764000005/ { exit } !/^@/ && !/^#/ { last[$1 " " $2] = $0 }
	END { for (k in last) { n++; text = text last[k] "\n" }
		printf "@ 1.000000000 1.000000000 %d\n%s", n, text }' "$series" >"$scratch/restart"
sed -n '/^@ 1764000006/,/^@ 1764000007/p' "$series" | sed '$d' >>"$scratch/restart"
probe stat --from "$scratch/restart"
if [ "$status" -eq 0 ] && grep -q 'started anew' "$scratch/err" &&
	! grep -q 'exits' "$scratch/err"; then
	ok "stat: a restart is said to be one, and has no numbers"
else
	not_ok "stat: a restart is said to be one, and has no numbers" "status $status"
fi
probe stat --json --from "$scratch/restart" --to "$scratch/report"
json_is "stat: a restart in JSON" '.restarts == 1 and .runs == 0 and .totals == null and
	.reasons == []' "$scratch/report"

# --- The command
# run_status NAME EXPECTED COMMAND...
run_status() {
	name=$1 expected=$2
	shift 2
	probe stat --from "$two_runs" --to "$scratch/report" -- "$@"
	if [ "$status" -eq "$expected" ]; then
		ok "stat: $name"
	else
		not_ok "stat: $name" "status $status, expected $expected"
	fi
}
run_status "a command that succeeds" 0 true
run_status "its exit status" 3 sh -c 'exit 3'
run_status "its signal" 143 sh -c 'kill -TERM $$'
check "stat: its signal is named" grep -q 'ended by signal 15' "$scratch/report"
if [ -z "${WRAPPER:-}" ]; then
	run_status "a command that is not there" 127 "$scratch/none"
	run_status "a command that is none" 126 "$0/"
else
	skip "stat: a command that cannot be executed" "valgrind finds leaks in the process that was to become it"
fi
run_status "options of the command are its own" 0 test --json = --json
# A parent that ignores the death of children must not take the status of this one away, and
# the command finds all signals as it would without stat.  (A shell would not pass
# CHLD on, and valgrind does not either.)
wrapper=${WRAPPER:-}
for ignored in PIPE CHLD; do
	WRAPPER="env --ignore-signal=$ignored"
	run_status "exit status with SIG$ignored ignored" 3 sh -c 'exit 3'
	probe stat -r 2 --from "$two_runs" --to "$scratch/report" -- grep SigIgn /proc/self/status
	env --ignore-signal=$ignored grep -h SigIgn /proc/self/status /proc/self/status >"$scratch/expected"
	check "stat: the command finds SIG$ignored ignored" cmp -s "$scratch/expected" "$scratch/out"
done
WRAPPER=$wrapper
probe stat --from "$two_runs" --to "$scratch/report" -- grep SigIgn /proc/self/status
grep SigIgn /proc/self/status >"$scratch/expected"
check "stat: the command finds no signal ignored that was not" cmp -s "$scratch/expected" "$scratch/out"
probe stat --from "$two_runs" -- echo text
check "stat: standard output is the command's" grep -qx text "$scratch/out"
probe stat -r 2 --from "$two_runs" --to "$scratch/report" sh -c 'echo once'
check "stat: repeated" [ "$(grep -c once "$scratch/out")" -eq 2 ]
run_status "a full disk under the command" 1 sh -c 'echo x >/dev/full'

# Without counters, a report that was there stays; with some, none of a longer one is left.
echo '{"old": 1}' >"$scratch/kept"
probe stat --from "$machines/stock-svm.txt" --to "$scratch/kept" true
check "stat --to: nothing to report, nothing lost" grep -q old "$scratch/kept"
seq 10000 >"$scratch/kept"
probe stat --from "$two_runs" --to "$scratch/kept" true
check "stat --to: nothing is left of a longer file" [ "$(grep -cx 10000 "$scratch/kept")" = 0 ]

probe stat -r 3 --from "$two_runs" --to "$scratch/report" true
expect_status "stat: fewer recorded runs than --repeat asks for" 0
check "stat: says so" grep -q "has 2 pairs of readings: fewer runs than --repeat asks for" "$scratch/err"
check "stat: and reports those" grep -q "deviation of 2 runs" "$scratch/report"

# Means of rare exits: what is computed of them is not computed of rounded ones.
probe stat --from "$machines/series-vmx.txt" -R HLT --raw -n -o cycles/exit --to "$scratch/report"
check "stat: cycles per exit of means" [ "$(cat "$scratch/report")" = 2000 ]
probe --raw -n -R hlt -o name --from "$two_runs"
check "reasons in any case" [ "$(cat "$scratch/out")" = HLT ]

# An interrupt ends the repetition, whatever the runs before it came to.
cat "$two_runs" "$two_runs" >"$scratch/four-runs"
: >"$scratch/ran"
# shellcheck disable=SC2016 # the command's own
probe stat -r 4 --from "$scratch/four-runs" --to "$scratch/report" -- \
	sh -c 'echo >>"$1"; [ $(wc -l <"$1") -gt 1 ] || exit 3; kill -INT $$' sh "$scratch/ran"
check "stat: a signal ends the repetition, after a failed run, too" [ "$(wc -l <"$scratch/ran")" = 2 ]
expect_status "stat: the first failure is the status" 3
rm "$scratch/ran"

# SIGTERM is passed on; its own end follows the command's, which has caught it, and no other run does.
status=0
# shellcheck disable=SC2086,SC2016 # WRAPPER is a command with its arguments; $(seq) is the command's own
${WRAPPER:-} "$program" stat -r 2 --from "$two_runs" --to "$scratch/report" -- \
	sh -c 'trap "exit 7" TERM; echo ready; for i in $(seq 200); do sleep 0.1; done' >"$scratch/out" 2>"$scratch/err" &
probe_pid=$!
while ! grep -q ready "$scratch/out"; do sleep 0.1; done
kill -TERM $probe_pid
wait $probe_pid || status=$?
check "stat: SIGTERM reaches the command" [ $status -eq 7 ]
check "stat: and ends the repetition" [ "$(grep -c ready "$scratch/out")" = 1 ]

# Under a wrapper the program needs seconds to start.
if [ -n "${WRAPPER:-}" ]; then sleep 9 & else sleep 0.5 & fi
probe stat --pid $! --from "$two_runs" --to "$scratch/report"
expect_status "stat --pid: until the process ends" 0
check "stat --pid: its report" grep -q 'during process' "$scratch/report"
# In the background of a script interrupts are ignored, and stay so.
if [ -z "${WRAPPER:-}" ]; then
	sleep 60 & waited_for=$!
	"$program" stat --pid $waited_for --from "$two_runs" --to "$scratch/report" 2>"$scratch/err" & probe_pid=$!
	# It waits once it catches SIGTERM, signal 15.
	until grep -q 'SigCgt:.*[4-7c-f]...$' /proc/$probe_pid/status; do sleep 0.1; done
	kill -INT $probe_pid
	sleep 0.5
	check "stat --pid: an ignored interrupt does not end it" kill -0 $probe_pid
	kill $waited_for
	wait $waited_for 2>/dev/null || :
	wait $probe_pid
else
	skip "stat --pid: an ignored interrupt does not end it" "the wrapper catches signals itself"
fi
probe stat --pid 2147483647 --from "$two_runs"
expect_status "stat --pid: no such process" 125

probe stat --from "$machines/stock-svm.txt" -- touch "$scratch/ran"
expect_status "stat: no counters is an error" 125
check "stat: nothing is run without counters" [ ! -e "$scratch/ran" ]
probe stat --from "$scratch/none" -- true
expect_status "stat: no such recording" 125
probe stat --from "$two_runs" --dump "$scratch/none/dump" -- true
expect_status "stat: a recording to nowhere" 125
probe stat --from "$two_runs" --to /dev/full -- true
expect_status "stat: a report to a full disk" 125
probe stat --from "$two_runs" --to "$scratch/none/report" -- true
expect_status "stat: a report to nowhere" 125

probe stat --json --from "$two_runs" --to "$scratch/report" -- true "$(printf 'a\377\303\244"\303')"
check "stat --json: UTF-8, whatever the arguments are" iconv -f UTF-8 -t UTF-8 -o /dev/null "$scratch/report"
json_is "stat --json: arguments" '.command == ["true", "a\ufffdä\"\ufffd"]' "$scratch/report"

# --- A recording of a run replays to the same
probe stat --json --from "$two_runs" --dump "$scratch/dump" --to "$scratch/expected"
probe stat --json --from "$scratch/dump" --to "$scratch/report"
check "stat: dump and replay" cmp -s "$scratch/expected" "$scratch/report"

refused stat
refused stat -r 0 true
refused stat -r -1 true
refused stat -r 1x true
refused stat -r 10001 true
refused stat -p 0
refused stat -p zz
refused stat -p 1 true
refused stat -p 1 -r 2
refused stat --csv true
refused stat -R zz true
refused stat -R CPUID, true
refused stat -s zz true
refused stat --from "$two_runs" -R EPT_VIOLATION

echo "1..$tests"
