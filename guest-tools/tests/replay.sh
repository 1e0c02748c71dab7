#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The table and "check" on recorded machines, the reader of recordings, bad arguments,
# streams that cannot be written.  See lib.sh.
set -eu

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# --- What each machine is: "check" and plain statuses differ for readable counters.
while read -r machine check plain text; do
	probe check --from "$machines/$machine.txt"
	expect_status "check $machine: status" "$check"
	if [ "$(wc -l <"$scratch/out")" -eq 1 ] && grep -qF -e "$text" "$scratch/out"; then
		ok "check $machine: one line"
	else
		not_ok "check $machine: one line" "expected: $text"
	fi
	probe --from "$machines/$machine.txt"
	expect_status "plain $machine: status" "$plain"
done <<'EOF'
full-vmx 0 0 full ABI, version 1, Intel VMX, 4 vCPUs, host TSC 2400000 kHz
full-svm 0 0 full ABI, version 1, AMD SVM, 1 vCPU, host TSC 3200000 kHz
recorded-vmx 0 0 full ABI, version 1, Intel VMX, 1 vCPU, host TSC 100000 kHz (hypervisor signature "KVMKVMKVM")
recorded-svm 0 0 full ABI, version 1, AMD SVM, 1 vCPU, host TSC 1996251 kHz (hypervisor signature "KVMKVMKVM")
recorded-stock-vmx 5 5 KVM without VM-exit statistics
recorded-stock-svm 5 5 KVM without VM-exit statistics
unknown-version 3 0 does not know the ABI, version 2, Intel VMX
required-vmx 3 0 required leaves only, Intel VMX
required-svm 3 0 required leaves only, AMD SVM
other-numbering-1 4 4 another numbering
other-numbering-2 4 4 another numbering
stock-vmx 5 5 KVM without VM-exit statistics
stock-vmx-all-ones 5 5 KVM without VM-exit statistics
stock-svm 5 5 KVM without VM-exit statistics
stock-hyperv-enlightened 5 5 KVM without VM-exit statistics
vmware 6 6 (hypervisor signature "VMwareVMware")
hyperv 6 6 (hypervisor signature "Microsoft Hv")
odd-signature 6 6 \x5c\x01"\x0a\x5c\x00\x00\x00A\x00\x00\xff
bare-metal 7 7 not virtualised
EOF

# Garbage must not be printed as counts.
probe --from "$machines/stock-vmx.txt"
if grep -q -e exits= -e 832 "$scratch/out"; then
	not_ok "stock Intel: no counts" "garbage was read as counts"
else
	ok "stock Intel: no counts"
fi

# --- Tables
# What real guests read, while their exits went on.
few() { [ "$1" -ge 0 ] && [ "$1" -lt 60 ]; }
for machine in recorded-vmx recorded-svm; do
	probe --raw -n --all -o exits --from "$machines/$machine.txt"
	sum=$(awk '{ sum += $1 } END { print sum }' "$scratch/out")
	probe --from "$machines/$machine.txt"
	total=$(sed -n 's/^CPUID(0x4FFFFFFC), exits=//p' "$scratch/out")
	check "$machine: the sum of the table, $sum, is the total, $total, but for the reading's own exits" \
		few $((total - sum))
done
probe --from "$machines/full-vmx.txt"
expect_lines "full-vmx: totals" \
	"CPUID(0x4FFFFFFC), exits=266022" \
	"CPUID(0x4FFFFFFD), total time in vmm: 2199673606467 cycles" \
	"Total exits, all 64 bits: 4295233317" \
	"Total time away from the guest: 2289667678663 cycles" \
	"In the hypervisor, since the machine was created: 916.531 s" \
	"This reading itself: 24 exits, about 27692 cycles"
# The first reading of a series, 5000 s after boot, and soon after another one.
first_reading() { awk -v up="$1" '/^@/ { if (n++) exit; $3 = up } { print }' "$machines/series-vmx.txt" >"$scratch/first"; }
first_reading 5000.000000000
probe --from "$scratch/first"
check "the share of the time since boot" grep -qE ': [0-9.]+ % of the 5000\.0 s since its last boot, ' "$scratch/out"
first_reading 0.002000000
probe --from "$scratch/first"
check "more than the time since boot: no share" grep -q ' s, more than fits into the 0\.0 s since its last boot$' "$scratch/out"
probe --from "$machines/full-vmx.txt"
expect_lines "full-vmx: rows" \
	"REASON NAME                    EXITS EXITS%        CYCLES CYCLES% CYCLES/EXIT US/EXIT          AWAY" \
	"     1 EXTERNAL_INTERRUPT 4294967301  99.99 2199023255562   99.97         511   0.213 2199023255563" \
	"     - UNLISTED                    2   0.00          3000    0.00        1500   0.625             -"

probe --from "$machines/full-svm.txt"
expect_lines "full-svm: rows" \
	"     0x400 NPF      30000  82.86 90000000   66.95        3000   0.938  90000500" \
	"       0x3 READ_CR3     7   0.02    21000    0.02        3000   0.938     21000" \
	"      0x4e EXCP14       9   0.02    18000    0.01        2000   0.625     18001" \
	"0xffffffff INVALID      1   0.00     5000    0.00        5000   1.562      5000"

probe --from "$machines/required-vmx.txt"
expect_lines "required-vmx: the classic lines, and rows without AWAY" \
	"CPUID(0x4FFFFFFC), exits=18840" \
	"CPUID(0x4FFFFFFD), total time in vmm: 3871824973 cycles" \
	"    30 IO_INSTRUCTION      7900  41.93 2151824873   55.58      272382"

probe --raw --from "$machines/required-svm.txt"
cat >"$scratch/expected" <<'EOF'
REASON NAME EXITS EXITS% CYCLES CYCLES% CYCLES/EXIT
0x400 NPF 1000 18.75 5000000000 99.83 5000000
0x72 CPUID 4321 81.02 8642000 0.17 2000
0x7c MSR 12 0.23 24000 0.00 2000
EOF
if cmp -s "$scratch/expected" "$scratch/out"; then
	ok "--raw: the table alone"
else
	not_ok "--raw: the table alone"
fi

probe -r -n -o name,away,exits --from "$machines/required-svm.txt"
expect_lines "-r -n -o: rows, and - for what is not offered" "NPF - 1000" "CPUID - 4321" "MSR - 12"

probe --raw --noheadings --all --output reason --from "$machines/required-svm.txt"
if [ "$(wc -l <"$scratch/out")" -eq 169 ] && ! grep -q 0xa4 "$scratch/out"; then
	ok "--all: every code that the host defines"
else
	not_ok "--all: every code that the host defines"
fi
probe -r -n -a -o reason --from "$machines/full-vmx.txt"
if [ "$(wc -l <"$scratch/out")" -eq 77 ]; then
	ok "--all with a bitmap: every reason and the unlisted ones"
else
	not_ok "--all with a bitmap: every reason and the unlisted ones"
fi

probe --raw --from "$machines/stock-svm.txt"
if [ ! -s "$scratch/out" ] && [ -s "$scratch/err" ] && [ "$status" -eq 5 ]; then
	ok "--raw without counters: nothing on standard output"
else
	not_ok "--raw without counters: nothing on standard output"
fi

# --- JSON
# json NAME MACHINE JQ-EXPRESSION [OPTION...]
json() {
	name=$1 machine=$2 expression=$3
	shift 3
	probe --json --from "$machines/$machine.txt" "$@"
	json_is "json: $name" "$expression"
}
json "detection" full-vmx '.detection == {result: "full", status: 0,
	hypervisor: "KVMKVMKVM", version: 1, features: 63, vendor: "vmx",
	tsc_khz: 2400000, instance: 464374526, vcpus: 4}'
json "totals" full-vmx '.totals == {exits: 4295233317, exits_bits: 64,
	cycles: 2199673605567, away_cycles: 2289667678663}'
json "a row" full-vmx '.reasons[0] == {reason: 1, name: "EXTERNAL_INTERRUPT",
	exits: 4294967301, exits_percent: 99.99, cycles: 2199023255562,
	cycles_percent: 99.97, cycles_per_exit: 511, us_per_exit: 0.213, away_cycles: 2199023255563}'
json "the unlisted row" full-vmx '.reasons[-1] | .reason == null and
	.name == "UNLISTED" and .exits == 2 and .away_cycles == null'
json "AMD's codes are numbers" full-svm '[.reasons[].reason] ==
	[1024, 123, 114, 96, 120, 3, 78, 4294967295]'
json "32-bit counts" required-vmx '.totals == {exits: 18840, exits_bits: 32,
	cycles: 3871824973, away_cycles: null} and .detection.status == 3'
json "chosen columns" full-svm '.reasons[0] == {cycles: 90000000, name: "NPF"}' \
	-o CYCLES,name
json "no counters" stock-vmx '.totals == null and .reasons == [] and
	.detection.result == "unpatched-kvm" and .detection.status == 5'
json "a signature that is not text" odd-signature '.detection.hypervisor ==
	"\\x5c\\x01\"\\x0a\\x5c\\x00\\x00\\x00A\\x00\\x00\\xff"'
json "not virtualised" bare-metal '.detection.hypervisor == null'

# --- Recording and replay
for machine in full-vmx required-svm stock-vmx; do
	probe --from "$machines/$machine.txt" --dump "$scratch/dump"
	cp "$scratch/out" "$scratch/expected"
	probe --from "$scratch/dump"
	if cmp -s "$scratch/expected" "$scratch/out" && [ -s "$scratch/out" ]; then
		ok "dump and replay of $machine"
	else
		not_ok "dump and replay of $machine"
	fi
done

# --- The reader is strict: each line of this list is refused, at its line number.
nul=$scratch/nul
printf '1 0 0 0 0 0\n1 \0 1 0 0 0 0\n' >"$nul"
refuse_file() {
	probe --from "$2"
	if [ "$status" -eq 1 ] && [ ! -s "$scratch/out" ] && grep -qF -e "$3" "$scratch/err"; then
		ok "reader: $1"
	else
		not_ok "reader: $1" "status $status, expected 1 and: $3"
	fi
}
while IFS='|' read -r name content message; do
	# shellcheck disable=SC2059 # the contents are formats
	printf "$content" >"$scratch/bad"
	refuse_file "$name" "$scratch/bad" "$message"
done <<'EOF'
five numbers|# comment\n1 0 0 0 0\n|line 2: expected
seven numbers|1 0 0 0 0 0 0\n|line 1: more than six
nine digits|1 0 0 0 0 100000000\n|line 1: expected
not hexadecimal|1 0 0 0 0 zz\n|line 1: expected
a prefix|0x1 0 0 0 0 0\n|line 1: expected
a sign|1 0 0 0 0 -1\n|line 1: expected
junk after a number|1 0 0 0 0 0,\n|line 1: expected
a carriage return|1 0 0 0 0 0\\r\n|line 1: expected
an answer given twice|1 0 0 0 0 0\n\n1 0 0 0 0 0\n|line 3: this leaf and subleaf were answered before
no answer at all|# nothing\n|holds no CPUID answer
an empty file||holds no CPUID answer
an answer that is needed and missing|1 0 0 0 80000000 0\n|no answer for leaf 40000000, subleaf 00000000
EOF
refuse_file "a NUL byte" "$nul" "line 2:"
refuse_file "a device that never ends" /dev/zero "line 1: too long"
refuse_file "a folder" "$scratch" "cannot read"
refuse_file "a missing file" "$scratch/none" "cannot open"
awk 'BEGIN { for (i = 0; i <= 4096; i++) printf "2 %x 0 0 0 0\n", i }' >"$scratch/bad"
refuse_file "too many answers" "$scratch/bad" "line 4097: too many"
awk 'BEGIN { printf "1 0 0 0 0 0"; for (i = 0; i < 2000; i++) printf " " }' >"$scratch/bad"
refuse_file "an endless line" "$scratch/bad" "line 1: too long"

printf '  1\t0 0 0 0 0 # trailing comment\n\n#\n  # indented' >"$scratch/good"
probe check --from "$scratch/good"
expect_status "reader: white space, comments, no newline at the end" 7

# --- Junk arguments are refused with the valid form
while read -r arguments; do
	# shellcheck disable=SC2086 # words are the arguments
	refused $arguments
done <<'EOF'
-l zz
--zz
zz
check zz
check check
check --json
--json check -a
--json --raw
-J -n
-o
--output
-o zz
-o name,
-o ,name
-o name,NAME
-o exit
--from
--dump
--raw=1
EOF
probe ''
expect_status "refused: an empty argument" 2
probe -o ''
expect_status "refused: an empty column list" 2

# --- Help and version
probe --help
expect_status "--help" 0
probe --version
expect_status "--version" 0

# --- Standard output that cannot be written is an error
status=0
# shellcheck disable=SC2086 # WRAPPER is a command with its arguments
${WRAPPER:-} "$program" --from "$machines/full-svm.txt" >/dev/full 2>"$scratch/err" || status=$?
: >"$scratch/out"
expect_status "a full disk is status 1" 1
status=0
# shellcheck disable=SC2086
${WRAPPER:-} "$program" --json --from "$machines/full-svm.txt" >&- 2>"$scratch/err" || status=$?
expect_status "a closed standard output is status 1" 1
status=0
# shellcheck disable=SC2086
${WRAPPER:-} "$program" --help >/dev/full 2>"$scratch/err" || status=$?
expect_status "--help to a full disk is status 1" 1
# Nor does a name of a closed stream hide it, or one file take two outputs.
for option in '-o /dev/stdout' '--dump /dev/stdout'; do
	status=0
	# shellcheck disable=SC2086
	${WRAPPER:-} "$program" metrics --from "$machines/full-svm.txt" $option >&- 2>"$scratch/err" || status=$?
	expect_status "a closed standard output is status 1 as $option" 1
done
closed_stderr="a closed standard error is status 1 as --dump /dev/stderr"
if [ -n "${WRAPPER:-}" ]; then
	skip "$closed_stderr" "valgrind itself ends without one"
else
	status=0
	"$program" check --from "$machines/full-svm.txt" --dump /dev/stderr >/dev/null 2>&- || status=$?
	: >"$scratch/err"
	expect_status "$closed_stderr" 1
fi
rm -f "$scratch/two"
probe metrics --from "$machines/full-svm.txt" -o "$scratch/two" --dump "$scratch/two"
expect_status "one file for two outputs is status 1" 1
[ ! -e "$scratch/two" ] || not_ok "and nothing is written" "it was"
echo kept >"$scratch/two"
probe metrics --from "$machines/full-svm.txt" -o "$scratch/two" --dump "$scratch/./two"
expect_status "one file by two names, too" 1
[ "$(cat "$scratch/two")" = kept ] || not_ok "and it stays as it was" "it did not"
# The reader of this pipe is gone before the program starts.
mkfifo "$scratch/pipe"
{
	sleep 1
	status=0
	# shellcheck disable=SC2086
	${WRAPPER:-} "$program" --from "$machines/full-svm.txt" 2>"$scratch/err" || status=$?
	echo "$status" >"$scratch/status"
} >"$scratch/pipe" &
: <"$scratch/pipe"
wait
status=$(cat "$scratch/status")
expect_status "a closed pipe is status 1" 1
probe check --from "$machines/full-svm.txt" --dump /dev/full
if [ "$status" -eq 1 ] && grep -q "cannot write '/dev/full'" "$scratch/err"; then
	ok "a recording to a full disk is status 1"
else
	not_ok "a recording to a full disk is status 1" "status $status"
fi

# --- This machine, whatever it is: a result, and one that its recording repeats
probe check --dump "$scratch/dump"
case $status in
0 | [3-8]) ok "this machine has a result" ;;
*) not_ok "this machine has a result" "status $status" ;;
esac
expected=$status
if [ "$status" -ne 8 ]; then
	probe check --from "$scratch/dump"
	expect_status "its recording has the same" "$expected"
else
	skip "its recording has the same" "CPUID is blocked here"
fi

echo "1..$tests"
