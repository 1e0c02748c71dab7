# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What run-svm and run-vmx share: their options, and watching the serial console
# of the guest until it has powered off. Sourced, not run.

me=$(basename "$0")

die() {
	echo "$me: $*" >&2
	exit 2
}

# require PROGRAM-OR-FILE PACKAGE
require() {
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null ;;
	esac || die "$1 is missing: install the package $2"
}

# Sets mib, seconds, append, count, threads, log, vmlinuz, initrd and work, a folder of our own.
# shellcheck disable=SC2034 # mib, append, count and threads are for run-svm and run-vmx
parse_options() {
	mib=$1 seconds=$2 append='' count='' log='' cpus=1 threads=single
	shift 2
	while getopts ipc:m:t:a:l: option; do
		case $option in
		i) count=yes ;;
		p) threads=multi ;;
		c) cpus=$OPTARG ;;
		m) mib=$OPTARG ;;
		t) seconds=$OPTARG ;;
		a) append=$OPTARG ;;
		l) log=$OPTARG ;;
		*) shift $# ;;
		esac
	done
	[ $# -ge "$OPTIND" ] && shift $((OPTIND - 1))
	[ $# -eq 2 ] || {
		echo "usage: $me [-i] [-p] [-c CPUS] [-m MIB] [-t SECONDS] [-a KERNEL-ARGUMENTS] [-l LOG] VMLINUZ INITRD" >&2
		exit 2
	}
	vmlinuz=$1 initrd=$2
	for file in "$vmlinuz" "$initrd"; do
		[ -r "$file" ] || die "cannot read $file"
	done

	emulator='' viewer=''
	work=$(mktemp -d)
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' HUP TERM
	[ -n "$log" ] || log=$work/console
	: >"$log" || die "cannot write $log"
}

clean_up() {
	for pid in $emulator $viewer; do
		kill "$pid" 2>/dev/null || :
	done
	rm -rf "$work"
}

# fail WHY: the console was shown live, so its end stands just above; say it
# again, for it may be one line among a test suite's thousands.
fail() {
	echo "$me: $1; the last lines of the console:" >&2
	tail -n "$tail" "$log" | sed 's/^/    /' >&2
	if [ -s "$work/emulator.log" ]; then
		echo "$me: and of the emulator's own messages:" >&2
		tail -n 5 "$work/emulator.log" | sed 's/^/    /' >&2
	fi
	exit 1
}

# What the console must never show. The kernel prints its banner, and l1-init its
# own line, once for each boot: a second one means that the guest was reset.
console_trouble() {
	# Anywhere in a line: init may have left one unended. The nested guest's panic counts too.
	if grep -q 'Kernel panic - not syncing' "$log"; then
		echo 'the kernel panicked'
	elif [ "$(grep -c '^\[[ 0-9.]*\] Linux version' "$log")" -gt 1 ] ||
		[ "$(grep -c '^EXITSTAT-L1:' "$log")" -gt 1 ]; then
		echo 'the guest was reset'
	fi
}

# watch_guest: waits for the background process $emulator and judges what $log says.
watch_guest() {
	tail -n +1 -s 0.2 -f --pid="$emulator" "$log" &
	viewer=$!

	end=$(($(date +%s) + seconds))
	why='' tail=15
	while kill -0 "$emulator" 2>/dev/null; do
		sleep 0.5
		why=$(console_trouble)
		if [ -z "$why" ] && [ "$(date +%s)" -ge $end ]; then
			why="time-out after $seconds seconds"
			# Where it hangs is known to the guest alone.
			if command -v ask_guest >/dev/null; then
				ask_guest
				tail=60
			fi
		fi
		if [ -n "$why" ]; then
			kill "$emulator" 2>/dev/null || :
			break
		fi
	done
	wait "$emulator" 2>/dev/null || :
	emulator=''
	wait "$viewer" || :
	viewer=''

	[ -n "$why" ] || why=$(console_trouble)
	[ -z "$why" ] || fail "$why"
	tr -d '\r' <"$log" | sed -n '/^EXITSTAT-RESULT: pass$/,$p' >"$work/end"
	[ -s "$work/end" ] || fail "the guest ended without 'EXITSTAT-RESULT: pass'"
	# The kernel's last line, which it sends before it goes on.
	grep -q 'reboot: Power down' "$work/end" ||
		fail 'the guest did not power off, but crashed or was reset'
}
