#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# fuzz.sh [RUNS]: "make fuzz" where clang is installed; status 77 where it is not.
set -eu

command -v clang >/dev/null || {
	echo "clang is not installed: libFuzzer is its own"
	exit 77
}
make -s -C "$(dirname "$0")/.." fuzz RUNS="${1:-1000000}"
