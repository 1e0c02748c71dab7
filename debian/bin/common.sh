# Sourced by the scripts beside it: where things are, which versions, how to say things.
# shellcheck shell=sh
# shellcheck disable=SC2034 # its variables are used by those scripts

set -eu

top=$(cd "$(dirname "$0")" && until [ -e debian/changelog ]; do cd ..; done && pwd)
me=$(basename "$0")
# Kernel trees live outside of the packaging, so that a new run continues in them.  Absolute, here
# and for the scripts that this one calls: each goes to folders of its own.
build=$(realpath -m "${EXITSTAT_BUILD:-$top/build}")
[ -z "${EXITSTAT_BUILD:-}" ] || export EXITSTAT_BUILD="$build"
# The kernel line: Debian packages are named after it, patches sorted by it.
line=6.12

# host_suite: this machine's Debian; packages that are built here are for it.
host_suite() { (. /etc/os-release && echo "$VERSION_CODENAME"); }

# What measurements name: an installed package's upstream version, and this machine's processor.
upstream() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null | sed 's/^[0-9]*://; s/[-+~].*//'; }
processor() { sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1; }

say() { echo "$me: $*"; }
die() { echo "$me: $*" >&2; exit 1; }

# elapsed: since $start, which scripts with several steps set anew
start=$(date +%s)
elapsed() {
	now=$(($(date +%s) - start))
	printf '%d:%02d' $((now / 60)) $((now % 60))
}
last_line() { tail -n 1 "$1" | cut -c1-100; }

# tick WHAT COMMAND...: signs of life, until untick: what takes so long, for how long, and what COMMAND prints.
ticker=''
tick() {
	(
		# It neither holds the locks nor outlives the script, however that ends.
		exec 8>&- 9>&-
		what=$1
		shift
		while sleep "${tick_seconds:-30}" >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
			sign=$("$@")
			say "$what: $(elapsed)${sign:+, $sign}"
		done
	) & ticker=$!
}
untick() {
	[ -n "$ticker" ] || return 0
	# No other signal: one that comes before the subshell has put our traps away is lost.
	kill -s KILL "$ticker" 2>/dev/null || true
	# or the shell says that it was terminated
	wait "$ticker" 2>/dev/null || true
	ticker=''
}

# need_disk GIB WHAT [FOLDER VARIABLE]: an hour's work must not end in "no space left on device".
# FOLDER is $build if it is not named; VARIABLE sets another.
need_disk() {
	folder=${3:-$build}
	mkdir -p "$folder"
	free=$(df -Pk "$folder" | awk 'NR == 2 { print int($4 / 1048576) }')
	[ "$free" -ge "$1" ] ||
		die "$2 needs $1 GiB in $folder, $free GiB are free: free some, or set ${4:-EXITSTAT_BUILD} to a folder with more room"
}

# What root has built, another user cannot go on with.
need_build() {
	if ! mkdir -p "$build" 2>/dev/null || ! [ -w "$build" ] || { [ -e "$build/lock" ] && ! [ -w "$build/lock" ]; }; then
		die "cannot write in $build: use sudo, as was used before, or EXITSTAT_BUILD=FOLDER"
	fi
}

# Two builds in one tree would tear each other's files.  What this one starts holds the
# lock, too: a killed build's compilers have ended before another begins.
lock() {
	[ -z "${EXITSTAT_LOCKED:-}" ] || return 0
	need_build
	exec 9>"$build/lock"
	flock -n 9 || {
		say "waiting for another build to end in $build (EXITSTAT_BUILD=FOLDER builds elsewhere)"
		flock 9
	}
	# for scripts that this one calls
	export EXITSTAT_LOCKED=1
}

# What begins on a bare machine needs no more, and there may be neither linux-source yet nor dpkg-dev.
[ -z "${only_basics:-}" ] || return 0

# Debian's version of the kernel source, such as 6.12.117-1~deb12u1: whatever point
# release the archive has.
debian_version=$(dpkg-query -W -f '${Version}' "linux-source-$line" 2>/dev/null) || debian_version=
[ -n "$debian_version" ] ||
	die "linux-source-$line is not installed: run \"sudo make build-deps\""
upstream_version=${debian_version%%-*}

# The source package's version is <line>+exitstat<our number>: it names no point release,
# since the archive decides which one is built, and a native package's has no "-" in it.
# Packages get the version and the kernel the release that follow from both.
own_number=$(dpkg-parsechangelog -l "$top/debian/changelog" -S Version | sed 's/.*+exitstat//')
package_version=$debian_version+exitstat$own_number

# The date to build under.
epoch=${SOURCE_DATE_EPOCH:-$(dpkg-parsechangelog -l "$top/debian/changelog" -S Timestamp)}

# The source tree; each flavour's object tree is a direct sub-folder.  Only then does
# kbuild use relative paths ("..") throughout, which makes the objects independent of
# where the tree is: same bytes, and ccache hits from another clone.
source_tree=$build/linux-$debian_version

# The archive's kernel source, as its package has it.
tarball=/usr/src/linux-source-$line.tar.xz

# patched_files PATCHES...: the files that quilt keeps the originals of in the kernel tree that is the
# current folder, and those that the patches in the folders PATCHES name.
patched_files() {
	{
		[ ! -d .pc ] || (cd .pc && find . -mindepth 2 -type f ! -name .timestamp) | cut -d/ -f3-
		find "$@" -name '*.patch' -exec sed -n 's,^\(+++ b\|--- a\)/\([^[:space:]]*\).*,\2,p' {} +
	} | sort -u
}

# unpatch LIST: the files in LIST, of patched_files, come from the archive again, however quilt, killed
# perhaps, has left them.
unpatch() {
	while read -r file; do
		# with what a killed patch(1) leaves beside it
		rm -f "$file" "$file".o??????
	done <"$1"
	# Those that a patch makes are not in the archive.  With today's dates: objects may be of what was there.
	sed "s,^,linux-source-$line/," "$1" |
		LC_ALL=C tar -xmf "$tarball" --strip-components=1 -T - 2>"$1.log" ||
		{ [ $? = 2 ] && ! grep -v 'Not found in archive$\|Exiting with failure status' "$1.log" >&2; } ||
		die "cannot take the patched files from $tarball"
	rm -rf .pc
}

# unpack_tree FOLDER: a tree of its own, without our series, for a test that builds another kernel.
# One of another point release goes, with its objects.
unpack_tree() {
	[ "$(cat "$1/.exitstat-version" 2>/dev/null)" = "$debian_version" ] || rm -rf "$1"
	if [ ! -d "$1" ]; then
		# "&&" for callers whose failures are looked at, where "set -e" does nothing.
		rm -rf "$1.new" && mkdir -p "$1.new" &&
			tar -xf "$tarball" -C "$1.new" --strip-components=1 &&
			echo "$debian_version" >"$1.new/.exitstat-version" && mv "$1.new" "$1"
	elif [ -d "$1/.pc" ]; then
		# Not by quilt, which cannot take off what it was killed at.
		(cd "$1" && patched_files "$top/patches/$line" >.exitstat-patched && unpatch .exitstat-patched)
	fi
}

# For each make of a kernel that is packaged: what Kconfig would find of these on this machine, and this
# kernel is not built with, would be in the packages.
kbuild_tools='RUSTC=not-used BINDGEN=not-used'
[ "${DEBUG_INFO:-}" = 1 ] || kbuild_tools="$kbuild_tools PAHOLE=not-used"

# set_flavour FLAVOUR
set_flavour() {
	case $1 in
	cloud | quick) ;;
	*) die "no such flavour: $1 (there are cloud and quick)" ;;
	esac
	flavour=$1
	# Sorts as newer than Debian's <upstream>+deb12-..., see debian/tests/release-sort.
	local_version=+exitstat$own_number-$flavour-amd64
	release=$upstream_version$local_version
	objects=$source_tree/$flavour
	# linux-image-... and linux-headers-...; debian/control says why they differ.
	metapackages=exitstat
	[ "$flavour" = cloud ] || metapackages=exitstat-$flavour
}
