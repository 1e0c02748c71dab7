#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# "bench", "leaf", "list", "metrics", and the options that all tables have.  See lib.sh.
set -eu

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# --- leaf
probe leaf --from "$machines/full-vmx.txt" 0x4ffffffc
expect_lines "leaf: hexadecimal registers" \
	"0x4ffffffc 0x00000000 0x00040f26 0x00000000 0x00000000 0x00000000"
probe leaf --json --from "$machines/full-vmx.txt" 1342177027 10
json_is "leaf: numbers in JSON, and a decimal leaf" '.leaves == [{leaf: 1342177027, subleaf: 10,
	eax: 63494, ebx: 0, ecx: 99327005, edx: 0}]'
probe leaf --from "$machines/full-vmx.txt" 0x4fffff03 11
expect_status "leaf: an answer that is not recorded" 1
probe leaf 0 --dump "$scratch/dump"
expect_status "leaf: this CPU" 0
cp "$scratch/out" "$scratch/expected"
probe leaf 0 --from "$scratch/dump"
check "leaf: dump and replay" cmp -s "$scratch/expected" "$scratch/out"
refused leaf
refused leaf zz
refused leaf -1
refused leaf 0x
refused leaf 4294967296
refused leaf 1 2 3
refused leaf 1 0x100000000
refused leaf 1x
refused leaf '1 '
refused leaf -l zz

# --- the kernel's device
if [ -r /dev/cpu/0/cpuid ]; then
	probe leaf 0 --via-kernel
	if [ -n "${WRAPPER:-}" ]; then
		skip "--via-kernel: the kernel answers as the CPU does" "valgrind has a CPU of its own"
	else
		check "--via-kernel: the kernel answers as the CPU does" cmp -s "$scratch/expected" "$scratch/out"
	fi
	probe leaf 0 0x80000000 --via-kernel
	expect_status "--via-kernel: a subleaf that the device cannot take" 1
else
	probe leaf 0 --via-kernel
	expect_status "--via-kernel: no device is an error" 1
	check "--via-kernel: with the remedy" grep -qE 'modprobe cpuid|privileges' "$scratch/err"
fi
refused leaf 0 --via-kernel --from "$scratch/dump"

# --- list
probe list
check "list: both vendors, every reason" [ "$(wc -l <"$scratch/out")" -eq $((1 + 76 + 172)) ]
check "list: nothing is missing" [ "$(grep -c ' - *$' "$scratch/out")" -eq 0 ]
check "list: number, name, meaning and section" \
	grep -qE '^vmx +48 EPT_VIOLATION +memory .* SDM vol. 3, appendix C' "$scratch/out"
check "list: AMD's codes in hexadecimal" grep -qE '^svm +0x400 NPF +nested page fault' "$scratch/out"
probe list --json
json_is "list --json" '(.reasons | length) == 248 and .reasons[10] == {vendor: "vmx", reason: 10,
	name: "CPUID", meaning: "CPUID instruction",
	manual: "SDM vol. 3, appendix C"} and
	.reasons[-1].reason == 4294967295'
refused list vmx

# --- metrics
probe metrics --from "$machines/full-svm.txt"
expect_lines "metrics: counters" \
	'# TYPE exitstat_exits counter' \
	'exitstat_exits_total{reason="CPUID",code="0x72"} 1234' \
	'exitstat_hypervisor_seconds_total{reason="NPF",code="0x400"} 0.028125000' \
	'exitstat_away_cycles_total{reason="INVALID",code="0xffffffff"} 5000' \
	'exitstat_info{result="full",vendor="svm",machine="00c0ffee"} 1'
check "metrics: its end" [ "$(tail -n 1 "$scratch/out")" = '# EOF' ]
probe metrics --from "$machines/full-vmx.txt"
expect_lines "metrics: 64 bits, and reasons without a number" \
	'exitstat_exits_total{reason="EXTERNAL_INTERRUPT",code="1"} 4294967301' \
	'exitstat_exits_total{reason="UNLISTED",code=""} 2'
cp "$scratch/out" "$scratch/expected"
mkdir "$scratch/textfile"
echo old >"$scratch/textfile/exitstat.prom"
probe metrics --from "$machines/full-vmx.txt" -o "$scratch/textfile/exitstat.prom"
check "metrics -o: the same" cmp -s "$scratch/expected" "$scratch/textfile/exitstat.prom"
check "metrics -o: nothing is left beside it" [ "$(find "$scratch/textfile" -type f | wc -l)" -eq 1 ]
check "metrics -o: others can read it" [ -n "$(find "$scratch/textfile" -perm -444 -name exitstat.prom)" ]
probe metrics --from "$machines/stock-svm.txt"
check "metrics: without counters it says so" grep -qx 'exitstat_status 5' "$scratch/out"
expect_status "metrics: and by its status" 5
# The unit takes for success whatever else the status of a written file is, and 1 for a failure.
unit=$(dirname "$0")/../../debian/cpuid-probe.cpuid-probe-metrics.service
success=" 0 $(sed -n 's/^SuccessExitStatus=//p' "$unit") "
good=yes
for machine in "$machines"/*.txt; do
	rm "$scratch/textfile/exitstat.prom"
	probe metrics --from "$machine" -o "$scratch/textfile/exitstat.prom"
	[ -e "$scratch/textfile/exitstat.prom" ] || good="no file: $machine"
	case $success in
	*" $status "*) ;;
	*) good="status $status: $machine" ;;
	esac
done
check "metrics: the unit succeeds on each machine" [ "$good" = yes ]
check "metrics: and fails where the file is not written" [ "${success#* 1 }" = "$success" ]
probe metrics --from "$machines/full-vmx.txt" -o "$scratch/none/exitstat.prom"
expect_status "metrics -o: a folder that is not there" 1
ln -s target "$scratch/textfile/link"
probe metrics --from "$machines/full-vmx.txt" -o "$scratch/textfile/link"
check "metrics -o: a symbolic link, as /dev/stdout is one, stays" [ -L "$scratch/textfile/link" ]
check "metrics -o: and its target is written" cmp -s "$scratch/expected" "$scratch/textfile/target"
inode=$(stat -L -c %i "$scratch/textfile/link")
probe metrics --from "$machines/full-vmx.txt" -o "$scratch/textfile/link"
check "metrics -o: nor is it ever half a file" [ "$(stat -L -c %i "$scratch/textfile/link")" != "$inode" ]
check "metrics -o: the link to a file stays, too" [ -L "$scratch/textfile/link" ]
echo before >"$scratch/redirected"
inode=$(stat -c %i "$scratch/redirected")
# shellcheck disable=SC2086 # WRAPPER is a command with its arguments
${WRAPPER:-} "$program" metrics --from "$machines/full-vmx.txt" -o /dev/stdout >"$scratch/redirected" 2>"$scratch/err"
check "metrics -o /dev/stdout: the file there is not replaced" [ "$(stat -c %i "$scratch/redirected")" = "$inode" ]
check "metrics -o /dev/stdout: but written" cmp -s "$scratch/expected" "$scratch/redirected"
ln -s /dev/full "$scratch/textfile/full"
probe metrics --from "$machines/full-vmx.txt" -o "$scratch/textfile/full"
expect_status "metrics -o: a full disk" 1
probe metrics --from "$machines/full-vmx.txt" -o "$scratch/textfile"
expect_status "metrics -o: a folder" 1
probe metrics --from "$machines/full-vmx.txt" -o /proc/exitstat.prom
expect_status "metrics -o: a folder that takes no files" 1
refused metrics --json
refused watch -1
check "a negative number: the message says so" grep -q 'cannot be negative' "$scratch/err"
refused metrics -o

# --- bench
probe bench --count 100 --json
check "bench: it ends well" [ "$status" -eq 0 ]
json_is "bench: CPUID takes time, and the order is one" '.kinds[1] | .kind == "CPUID" and .count == 100 and
	.min_cycles > 0 and .min_cycles <= .median_cycles and .median_cycles <= .p99_cycles'
json_is "bench: and no column that was not asked for" '.kinds[1] | has("compared_ns") | not'
echo '{"kinds": [{"kind": "nothing", "median_ns": 5.5}, {"kind": 1}, 2, {"kind": "CPUID", "median_ns": 71}]}' \
	>"$scratch/metal.json"
probe bench --count 100 --json --compare "$scratch/metal.json"
json_is "bench --compare: the medians of another machine" '.kinds[0].compared_ns == 5.5 and
	.kinds[1].compared_ns == 71 and ([.kinds[2:][].compared_ns] | all(. == null))'
probe bench --count 10 --compare "$scratch/metal.json"
check "bench --compare: the column" grep -q ' COMPARED-NS$' "$scratch/out"
for other in '' '{' '[]' '5' '{"kinds": 1}'; do
	echo "$other" >"$scratch/none.json"
	probe bench --compare "$scratch/none.json"
	expect_status "bench --compare: refuses '$other'" 1
done
probe bench --compare "$scratch/none"
expect_status "bench --compare: a file that is not there" 1
refused bench -c 0
refused bench -c 1000001
refused bench 5

# --- sorting, choice of reasons, other formats
probe -r -n -o name -s exits --from "$machines/full-vmx.txt"
check "--sort by exits" [ "$(tr '\n' ' ' <"$scratch/out")" = \
	'EXTERNAL_INTERRUPT EPT_VIOLATION MSR_WRITE CPUID HLT UNLISTED ' ]
probe -r -n -o name -s name --from "$machines/full-vmx.txt"
check "--sort by name, rising" [ "$(head -n 1 "$scratch/out")" = CPUID ]
probe -r -n -o name -s reason --from "$machines/full-vmx.txt"
check "--sort by reason, those without a number last" [ "$(tail -n 1 "$scratch/out")" = UNLISTED ]
probe -r -n -o name,exits -R HLT,0x30,UNLISTED,INVD --from "$machines/full-vmx.txt"
cat >"$scratch/expected" <<'EOF2'
EPT_VIOLATION 120000
HLT 2500
UNLISTED 2
INVD 0
EOF2
check "--reasons by name and number, zeros included" cmp -s "$scratch/expected" "$scratch/out"
probe --export -o name,exits --from "$machines/full-vmx.txt"
expect_lines "--export" 'NAME="HLT" EXITS="2500"'
probe --raw -o meaning,name -R HLT --from "$machines/full-vmx.txt"
expect_lines "--raw: blanks in cells are escaped" 'HLT:\x20the\x20guest\x20has\x20nothing\x20to\x20do HLT'
refused -R zz
refused -R ''
refused -R 4294967296
refused -R NPF --from "$machines/full-vmx.txt"
refused -R 9999 --from "$machines/full-vmx.txt"
refused -s exit
refused --export --raw

# --- help of each command
for command in check stat watch record report bench leaf list metrics; do
	probe $command --help
	check "$command --help" grep -q "^Usage: cpuid-probe $command " "$scratch/out"
	probe $command --zz
	check "$command: an unknown option" [ "$status" -eq 2 ]
done

# --- manual pages and completion have what the program has
man=$(dirname "$0")/../man
missing=''
for command in '' check stat watch record report bench leaf list metrics; do
	# shellcheck disable=SC2086 # none, or one word
	probe $command --help
	page=$man/cpuid-probe${command:+-$command}.1
	# shellcheck disable=SC2013 # words
	for option in $(sed -n 's/^  \(-., \|    \)--\([a-z-]*\) .*/\2/p' "$scratch/out"); do
		grep -qE "(Fl -|, Fl |Fl . , Fl -)$option" "$page" "$man/cpuid-probe.1" ||
			missing="$missing $command:--$option"
	done
	# shellcheck disable=SC2013 # words
	for column in $(sed -n '/^Columns:/,/^$/s/^  \([^ ]*\) .*/\1/p' "$scratch/out"); do
		grep -qF "Cm $column" "$man/cpuid-probe.1" || missing="$missing $column"
	done
done
check "manual pages: each option and column of each command" [ -z "$missing" ]
if command -v mandoc >/dev/null; then
	check "manual pages: mandoc finds nothing" mandoc -T lint -W warning "$man"/*.1
else
	skip "manual pages: mandoc finds nothing" "mandoc is not installed"
fi

# completes NAME EXPECTED WORD...: what bash would offer for the last word has this line.
completes() {
	name=$1 expected=$2
	shift 2
	bash -c 'compopt() { :; }; . "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		_cpuid_probe; printf "%s\n" "${COMPREPLY[@]}"' - \
		"$(dirname "$0")/../completion.bash" "$program" "$@" >"$scratch/out" 2>"$scratch/err" || :
	check "completion: $name" grep -qxF -e "$expected" "$scratch/out"
}
if [ -n "${WRAPPER:-}" ]; then
	skip "completion" "it starts the program itself"
elif command -v bash >/dev/null; then
	completes "commands" metrics m
	completes "options" --json --j
	completes "columns, in any case" EXITS -o ex
	completes "options of a command" --per-second stat --p
	completes "an option that another's description names" --csv watch --
	check "completion: each option once" [ -z "$(sort "$scratch/out" | uniq -d)" ]
	completes "columns" CYCLES% -o C
	completes "columns of a list" NAME,EXITS -o NAME,E
	completes "reasons" EPT_VIOLATION watch -R EPT
	completes "files" "$scratch/out" report "$scratch/ou"
	completes "commands to run" bash stat bas
	completes "and behind stat's options" bash stat -r 3 --all -- bas
	completes "files for the command that stat runs" "$scratch/out" stat -r 3 cat "$scratch/ou"
	completes "files behind =" "$scratch/out" --from = "$scratch/ou"
	completes "files to compare with" "$scratch/out" bench --compare "$scratch/ou"
else
	skip "completion" "bash is not installed"
fi

# --- other processors are refused with a sentence, not with a hundred errors
if command -v make >/dev/null; then
	make -C "$(dirname "$0")/.." -n CC='echo aarch64-linux-gnu #' >"$scratch/out" 2>&1 || :
	check "another processor is refused" grep -q 'can be built for x86 only' "$scratch/out"
else
	skip "another processor is refused" "there is no make"
fi

# --- where it starts
if [ -n "${WRAPPER:-}" ] || ! command -v objdump >/dev/null || ldd "$program" | grep -q asan; then
	skip "symbol versions for Ubuntu 22.04 and later" "no objdump, a wrapper, or a sanitizer"
else
	check "symbol versions for Ubuntu 22.04 and later" "$(dirname "$0")/elf.sh" "$program"
fi

# --- the static program prints the same
static=$program-static
if [ -x "$static" ] && [ -z "${WRAPPER:-}" ]; then
	good=yes
	for machine in full-vmx full-svm required-svm stock-vmx; do
		for options in '' --raw --export '-n --raw' --json '-a -o meaning,name,us/exit'; do
			# shellcheck disable=SC2086 # words are the options
			"$program" $options --from "$machines/$machine.txt" >"$scratch/expected" 2>/dev/null || :
			# shellcheck disable=SC2086
			"$static" $options --from "$machines/$machine.txt" >"$scratch/out" 2>/dev/null || :
			cmp -s "$scratch/expected" "$scratch/out" || good="no: $machine $options"
		done
	done
	check "the static program's output is the same" [ "$good" = yes ]
	check "the static program is static" sh -c "! ldd '$static' >/dev/null 2>&1"
else
	skip "the static program" "it is not built, or a wrapper is used"
fi

echo "1..$tests"
