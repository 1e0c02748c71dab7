#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# "watch", "record" and "report", and the terminal view in tmux.  See lib.sh.
set -eu

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

series=$machines/series-vmx.txt
export TZ=UTC

# --- watch without a terminal
probe watch --from "$series" 1 3
cat >"$scratch/expected" <<'EOF2'
TIME         REASON NAME                     EXITS%    EXITS/S    CYCLES%   CYCLES/S CYCLES/EXIT    US/EXIT      TIME%
16:00:01          - TOTAL                    100.00      650.0     100.00    1030000        1584      0.792       0.05
16:00:01         12 HLT                       38.46      250.0      48.54     500000        2000      1.000       0.03
16:00:01         32 MSR_WRITE                 46.15      300.0      32.04     330000        1100      0.550       0.02
16:00:01          1 EXTERNAL_INTERRUPT        15.38      100.0      19.42     200000        2000      1.000       0.01
EOF2
head -n 5 "$scratch/out" >"$scratch/first"
check "watch: a block for each interval" cmp -s "$scratch/expected" "$scratch/first"
check "watch: headings once" [ "$(grep -c REASON "$scratch/out")" -eq 1 ]
check "watch: as many intervals as asked for" [ "$(grep -c TOTAL "$scratch/out")" -eq 3 ]

probe watch --csv --from "$series" -o name,exits/s,meaning -R 12
cat >"$scratch/expected" <<'EOF2'
time,name,exits_per_second,meaning
1764000001.000,TOTAL,650.0,
1764000001.000,HLT,250.0,HLT: the guest has nothing to do
EOF2
head -n 3 "$scratch/out" >"$scratch/first"
check "watch --csv" cmp -s "$scratch/expected" "$scratch/first"
check "watch: a restart is no interval" [ "$(grep -c TOTAL "$scratch/out")" -eq 6 ]
check "watch: a restart is said" grep -q 'started anew' "$scratch/err"
probe watch --csv --from "$series" -o meaning -R 40 1 1
probe watch --csv --from "$series" -o meaning -R 48 1 1
check "watch --csv: no comma in a cell without quotes" [ "$(sed -n 3p "$scratch/out" | tr -cd , | wc -c)" -eq 1 ]

probe watch --json --from "$series"
check "watch --json: a line for each interval" [ "$(wc -l <"$scratch/out")" -eq 6 ]
sed -n 3p "$scratch/out" >"$scratch/line"
json_is "watch --json: its content" '.time == 1764000003 and .seconds == 1 and .time_percent == 16.9515
	and .restarts == 0 and .totals.exits == 55920 and .reasons[0].name == "TOTAL" and
	.reasons[1].exits_per_second == 50000 and .own == {exits: 26, cycles: 26000}' "$scratch/line"
sed -n 6p "$scratch/out" >"$scratch/line"
json_is "watch --json: after a restart" '.restarts == 1 and .totals.exits == 650' "$scratch/line"

probe watch --from "$machines/full-vmx.txt"
expect_status "watch: one reading is no interval" 1
probe watch --from "$machines/stock-vmx.txt"
expect_status "watch: no counters" 5
status=0
# shellcheck disable=SC2086 # WRAPPER is a command with its arguments
${WRAPPER:-} "$program" watch --from "$series" >/dev/full 2>"$scratch/err" || status=$?
: >"$scratch/out"
expect_status "watch: a full disk" 1

# --- record.  Without counters on this machine, what a replay is recorded as.
probe watch --from "$series" --dump "$scratch/dump" --raw
cp "$scratch/out" "$scratch/expected"
probe watch --from "$scratch/dump" --raw
check "a series recorded from a series is the same" cmp -s "$scratch/expected" "$scratch/out"
probe record -o "$scratch/recorded" 0.01 3
own=$status
case $status in
0) check "record: this machine" [ "$(grep -c '^@' "$scratch/recorded")" -eq 4 ] ;;
[4-8]) ok "record: this machine has no counters, and says so by its status" ;;
*) not_ok "record: this machine" "status $status" ;;
esac
# Where there is nothing to record, that is said first, and no file is given up for it.
if [ "$own" = 0 ]; then disk=1; else disk=$own; fi
probe record -o /dev/full
expect_status "record: a full disk" "$disk"
probe record -o "$scratch/none/file"
expect_status "record: a folder that is not there" "$disk"
if [ "$own" != 0 ]; then
	cp "$series" "$scratch/kept"
	probe record -o "$scratch/kept" 1 1
	check "record: without counters, the file that was there stays" cmp -s "$series" "$scratch/kept"
else
	skip "record: without counters, the file that was there stays" "this machine has counters"
fi

# A disk that becomes full in the middle: what was written up to there can be read.
if mkdir "$scratch/disk" && mount -t tmpfs -o size=8k none "$scratch/disk" 2>/dev/null; then
	for i in 1 2 3 4 5 6 7 8; do sed "s/^@ 176400000/@ 17640000$i/; s/ 500\([0-9]\)\./ 5$i\1./" "$series"; done |
		sed '/^#/d' >"$scratch/long"
	probe watch --csv --from "$scratch/long" --dump "$scratch/disk/file"
	check "a full disk in mid-record is an error" [ "$status" -eq 1 ]
	probe report "$scratch/disk/file"
	expect_status "and leaves a file that can be read to its end" 0
	umount "$scratch/disk"
else
	skip "a full disk in mid-record" "cannot mount a small disk"
fi

# --- report
probe report --svg "$scratch/picture.svg" "$series"
expect_lines "report: the summary" \
	"$series: 8 readings from 2025-11-24 16:00:00 UTC, 6.000 s" \
	"Intervals left out because the counters started anew: 1" \
	"99440 exits, 16573.3 per second; in the hypervisor 0.304 s, 5.06 % of the time, 2.53 % of what all 2 vCPUs had" \
	"    48 EPT_VIOLATION      80000  80.45 480000000   79.05        6000   3.000  4.00   480000000"
if command -v xmllint >/dev/null; then
	check "report: the picture is XML" xmllint --noout "$scratch/picture.svg"
else
	skip "report: the picture is XML" "xmllint is not installed"
fi
check "report: the picture has both panels, a restart and the reasons" \
	[ "$(grep -cE 'Exits per second|Time in the hypervisor|started anew|>EPT_VIOLATION<|>HLT<' "$scratch/picture.svg")" -eq 6 ]
probe report --json "$series"
json_is "report --json" '.readings == 8 and .restarts == 1 and .seconds == 6 and
	.begin == 1764000000 and .reasons[0].name == "EPT_VIOLATION" and .totals.exits == 99440'
probe report --svg /dev/full "$series"
check "report: a picture to a full disk" [ "$status" -eq 1 ]

# What a crash leaves: cut at every kind of place, the readings before are there.
size=$(wc -c <"$series")
good=yes
for cut in 1 2 20 60 200 $((size / 3)) $((size / 2)); do
	head -c $((size - cut)) "$series" >"$scratch/cut"
	probe report "$scratch/cut"
	[ "$status" -eq 0 ] && grep -q 'ends in the middle of a reading' "$scratch/err" &&
		grep -q ' exits, ' "$scratch/out" || good="no: $cut bytes less"
done
check "report: a file that was cut short" [ "$good" = yes ]
{ head -c $((size / 2)) "$series" && head -c 5000 /dev/zero; } >"$scratch/damaged"
probe report "$scratch/damaged"
if [ "$status" -eq 1 ] && grep -q ' exits, ' "$scratch/out" && grep -q 'not text' "$scratch/err"; then
	ok "report: damage is an error, what comes before is reported"
else
	not_ok "report: damage is an error, what comes before is reported" "status $status"
fi
while IFS='|' read -r name content message; do
	# shellcheck disable=SC2059 # the contents are formats
	printf "$content" >"$scratch/bad"
	probe report "$scratch/bad"
	if [ "$status" -eq 1 ] && [ ! -s "$scratch/out" ] && grep -qF -e "$message" "$scratch/err"; then
		ok "reader: $name"
	else
		not_ok "reader: $name" "status $status, expected 1 and: $message"
	fi
done <<'EOF2'
a stamp without a count|@ 1.000000000 1.000000000\n|line 1: expected @
a stamp with eight decimals|@ 1.00000000 1.000000000 1\n1 0 0 0 0 0\n|line 1: expected @
a count that is too large|@ 1.000000000 1.000000000 4097\n1 0 0 0 0 0\n|line 1: expected @
too many answers for the count|@ 1.000000000 1.000000000 1\n1 0 0 0 0 0\n2 0 0 0 0 0\n|line 3: expected @
too few answers for the count|@ 1.000000000 1.000000000 2\n1 0 0 0 0 0\n@ 2.000000000 2.000000000 0\n|line 3: the reading before lacks answers
a stamp after answers|1 0 0 0 0 0\n@ 1.000000000 1.000000000 1\n|line 2: a reading begins after
an answer given twice|@ 1.000000000 1.000000000 2\n1 0 0 0 0 0\n1 0 0 0 0 0\n|line 3: this leaf and subleaf
only half a reading|@ 1.000000000 1.000000000 2\n1 0 0 0 0 0\n|holds no complete CPUID answer
EOF2
probe report "$machines/full-vmx.txt"
expect_status "report: one reading is no series" 1

refused watch 0
refused watch -1
refused watch 1 0
refused watch 1 2 3
refused watch 1s
refused watch --csv --json
refused watch --repeat 2
refused record
refused record -o
refused record -o "$scratch/recorded" zz
refused report
refused report a b
refused report --svg
probe table --from "$series" --dump "$series"
expect_status "no such command" 2

# --- Output never goes over the recording that is read, by whatever name.
cp "$series" "$scratch/same"
ln "$scratch/same" "$scratch/same-too"
for option in 'watch --dump' 'report --svg' 'metrics -o' 'metrics --dump' 'stat --to' 'stat --dump'; do
	command=${option% *}
	case $command in
	report) input='' ;;
	*) input=--from ;;
	esac
	# shellcheck disable=SC2086 # none, or one word
	probe $command "${option#* }" "$scratch/same-too" $input "$scratch/same"
	if [ "$status" -ne 0 ] && grep -q 'is read, so it cannot be written' "$scratch/err" &&
		cmp -s "$series" "$scratch/same"; then
		ok "a recording is not overwritten: $option"
	else
		not_ok "a recording is not overwritten: $option" "status $status"
	fi
done
probe --from /dev/null --dump /dev/null
check "what keeps nothing may be read and written" grep -q 'holds no CPUID answer' "$scratch/err"

# --- The terminal view
if ! command -v tmux >/dev/null; then
	skip "watch on a terminal" "tmux is not installed"
elif [ -n "${WRAPPER:-}" ]; then
	skip "watch on a terminal" "too slow under a wrapper"
else
	# Its own errors show in what is not seen.
	server=tmux1
	tm() { tmux -S "$scratch/$server" -f /dev/null "$@" 2>>"$scratch/err" || :; }
	# seen TEXT: within half a minute.
	seen() {
		for _ in $(seq 150); do
			tm capture-pane -p >"$scratch/out"
			! grep -q -e "$1" "$scratch/out" || return 0
			sleep 0.2
		done
		return 1
	}
	# Eight readings, two seconds between them: enough for a slow machine.
	TERM=xterm tm new-session -d -x 100 -y 9 \
		"'$program' watch --from '$series' 2; echo status \$?; stty -a | grep -o -e -*icanon; sleep 60"
	check "terminal: waits for an interval, then shows rates" seen ' HLT '
	check "terminal: the share of time" grep -q '^In the hypervisor [0-9.]* % of the time, ' "$scratch/out"
	tm resize-window -x 50 -y 6
	sleep 0.3
	tm capture-pane -p >"$scratch/out"
	check "terminal: fits a smaller window" [ "$(sed -n '1s/^cpuid-probe watch.*/yes/p;6s/^ .*/yes/p' "$scratch/out" | grep -c yes)" -eq 2 ]
	tm send-keys x
	tm send-keys q
	check "terminal: q ends it" seen '^status 0'
	check "terminal: and its settings are back" seen '^icanon'
	tm kill-server
	# The usual size: no number is cut, and the share of time is there.
	server=tmux5
	TERM=xterm tm new-session -d -x 80 -y 12 "'$program' watch --from '$series' 2"
	seen ' HLT ' || :
	check "terminal: 80 columns have the share of time" grep -q '^ *REASON .* TIME%$' "$scratch/out"
	check "terminal: and its lines whole" grep -qE ' TOTAL .* [0-9]+\.[0-9]{2}$' "$scratch/out"
	tm kill-server
	# Another one: the first may take its time to end.
	server=tmux2
	TERM=xterm tm new-session -d -x 100 -y 9 \
		"'$program' watch --from '$series' 30; echo status \$?; stty -a | grep -o -e -*icanon; sleep 60"
	check "terminal: the machine is named" seen 'Intel VMX, every 30 s'
	tm send-keys C-c
	check "terminal: an interrupt ends it as well" seen '^status 0'
	check "terminal: and its settings are back then, too" seen '^icanon'
	tm kill-server
	server=tmux4
	{ head -c $((size / 2)) "$series" && echo junk; } >"$scratch/damaged"
	TERM=xterm tm new-session -d -x 100 -y 9 "'$program' watch --from '$scratch/damaged' 0.1; echo status \$?; sleep 60"
	seen '^status 1' || :
	check "terminal: a message is there after the page" grep -q 'expected leaf' "$scratch/out"
	tm kill-server
	# In a shell with job control.
	server=tmux3
	TERM=xterm tm new-session -d -x 100 -y 9 "env PS1=prompt: ENV= sh -i"
	tm send-keys "'$program' watch --from '$series' 30; echo status \$?" Enter
	seen 'Intel VMX, every 30 s' || :
	tm send-keys C-z
	check "terminal: Ctrl-Z stops it" seen Stopped
	tm send-keys 'stty -a | grep -o -e -*icanon' Enter
	check "terminal: with its settings back" seen '^icanon'
	tm send-keys clear Enter fg Enter
	check "terminal: fg shows the page again" seen 'Intel VMX, every 30 s'
	tm send-keys C-z
	check "terminal: and Ctrl-Z stops it again" seen Stopped
	tm send-keys fg Enter
	seen 'Intel VMX, every 30 s' || :
	tm send-keys "C-\\"
	check "terminal: Ctrl-\\ ends it" seen '^prompt:$'
	tm send-keys 'stty -a | grep -o -e -*icanon' Enter
	check "terminal: and its settings are back after that" seen '^icanon'
	tm kill-server
fi

echo "1..$tests"
