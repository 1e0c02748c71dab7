#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# elf.sh PROGRAM [hardened]: the program starts on Ubuntu 22.04 and later and on Debian 12 and
# later, as far as the versions of the symbols that it needs tell; and, if asked for, is
# hardened.  Prints what is wrong; status 1 then.
set -eu

program=${1:?usage: elf.sh PROGRAM [hardened]}
bad=0
wrong() { echo "$program: $*" >&2; bad=1; }

# newest PREFIX LIMIT: no symbol of this kind needs more than LIMIT.
newest() {
	versions=$(objdump -T "$program" | sed -n "s/.*[( ]$1\\([0-9.]*\\)[) ].*/\\1/p" | sort -uV)
	[ -n "$versions" ] || wrong "no symbol needs $1: not what this test is for"
	newest=$(printf '%s\n' "$versions" | tail -n 1)
	[ "$(printf '%s\n' "$newest" "$2" | sort -V | tail -n 1)" = "$2" ] ||
		wrong "needs $1$newest, Ubuntu 22.04 has $1$2"
}
newest GLIBC_ 2.34
newest SMARTCOLS_ 2.37
newest JSONC_ 0.15

[ "${2:-}" = hardened ] || exit $bad
# has WHAT PATTERN
has() {
	readelf -W -h -l -d -s "$program" | grep -qE "$2" || wrong "is not hardened: no $1"
}
has 'position independence' 'Type: *DYN'
has 'read-only relocations' GNU_RELRO
has 'immediate binding' 'FLAGS_1.* NOW|BIND_NOW'
has 'stack protector' __stack_chk_fail
has 'fortified functions' __.*_chk@
exit $bad
