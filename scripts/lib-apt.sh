# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# Sourced by deps, kernels and go-toolchains: packages of other Debian suites or architectures,
# fetched through the mirror this machine's apt already uses and unpacked without installing them.
# apt gets state of its own under $CACHE/apt, so the machine's own package lists stay as they are.

CACHE=${REQTOOLS_CACHE:-${XDG_CACHE_HOME:-/var/cache}/reqtools}
# Suites that the scripts try, oldest first. A mirror that has dropped one of them is no error.
# shellcheck disable=SC2034
APT_SUITES="bullseye bullseye-backports bookworm bookworm-backports trixie trixie-backports sid"
# shellcheck disable=SC2034
APT_SECURITY="bullseye-security bookworm-security trixie-security"
APT_MAX_AGE=1440 # minutes after which package lists are fetched again

say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	say "$*"
	exit 1
}

# Print the comment block at the top of the script as its help (everything after the SPDX line).
help()
{
	sed -n '3,/^[^#]/ { s/^# \{0,1\}//p; }' "$0"
}

# Print the address of the mirror from which apt here takes Debian's main suites ($1 empty) or its
# security suites ($1 "-security"). Asking apt itself covers every way of writing its sources.
# Other archives use Debian's code names too, so a path that ends in debian goes first.
apt_mirror()
{
	apt-get update --print-uris 2>/dev/null |
		sed -nE "s,^'(.*)/dists/(bullseye|bookworm|trixie|forky|sid|[a-z]*stable|testing)$1/InRelease'.*,\\1,p" |
		awk '{ print (/debian(-security)?$/ ? 0 : 1), $0 }' | sort -s -n -k 1,1 | sed -n '1s/^. //p'
}

# Write the private sources.list for the suites given, one line each.
apt_sources()
{
	main=${REQTOOLS_DEBIAN_MIRROR:-$(apt_mirror "")}
	[ -n "$main" ] || die "apt here knows no Debian mirror;" \
		"give one: REQTOOLS_DEBIAN_MIRROR=http://HOST/debian $0"
	security=$(apt_mirror -security)
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	key=$([ ! -f $key ] || echo "[signed-by=$key]")
	for suite; do
		case $suite in
		*-security) from=$security ;;
		*) from=$main ;;
		esac
		[ -z "$from" ] || echo "deb $key $from $suite main"
	done
}

# apt_init ARCH[-USE] SUITE...: prepare apt state for that architecture and those suites, and take its
# lock, which this process then holds to its end: two fetches side by side must not share partial files.
# Who wants other suites of an architecture gives a USE: their lists would push out the others'.
# No network is used here: see apt_refresh.
apt_init()
{
	[ -x "$(command -v apt-get)" ] || die "needs apt-get (a Debian machine)"
	APT_DIR=$CACHE/apt/$1
	mkdir -p "$APT_DIR/lists/partial" "$APT_DIR/archives/partial" "$APT_DIR/none" 2>/dev/null || :
	[ -w "$APT_DIR" ] ||
		die "cannot write $CACHE: run as root, or set REQTOOLS_CACHE to a directory of yours"
	arch=${1%%-*}
	shift
	exec 9>"$APT_DIR/lock"
	flock 9
	: >"$APT_DIR/status"
	apt_sources "$@" >"$APT_DIR/sources.new"
	cmp -s "$APT_DIR/sources.new" "$APT_DIR/sources.list" || rm -f "$APT_DIR/updated"
	mv "$APT_DIR/sources.new" "$APT_DIR/sources.list"
	# Read after the machine's own configuration (proxies stay in force), hence the #clear lines:
	# hooks and extra index files of the machine have no business with these lists.
	cat >"$APT_DIR/apt.conf" <<-EOF
		#clear APT::Architectures;
		#clear APT::Update;
		#clear DPkg::Post-Invoke;
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		Acquire::Retries "2";
		Dir::State "$APT_DIR";
		Dir::State::lists "$APT_DIR/lists";
		Dir::State::status "$APT_DIR/status";
		Dir::Cache "$APT_DIR";
		Dir::Cache::archives "$APT_DIR/archives";
		Dir::Cache::pkgcache "pkgcache.bin";
		Dir::Cache::srcpkgcache "";
		Dir::Etc::sourcelist "$APT_DIR/sources.list";
		Dir::Etc::sourceparts "$APT_DIR/none";
		Dir::Etc::preferences "$APT_DIR/none/preferences";
		Dir::Etc::preferencesparts "$APT_DIR/none";
	EOF
}

# Fetch the package lists if they are missing, old, or "now" is given. A suite that the mirror does
# not carry makes apt-get fail although it got the others, so its lists decide, not its status.
apt_refresh()
{
	if [ "${1:-}" != now ] && [ -n "$(find "$APT_DIR/updated" -mmin -$APT_MAX_AGE 2>/dev/null)" ]; then
		return
	fi
	say "reading the package lists of $(wc -l <"$APT_DIR/sources.list") suites"
	apt-get -c "$APT_DIR/apt.conf" -qq update >"$APT_DIR/update.log" 2>&1 || :
	if ls "$APT_DIR"/lists/*_Packages* >/dev/null 2>&1; then
		: >"$APT_DIR/updated"
		return
	fi
	cat "$APT_DIR/update.log" >&2
	die "no package lists: is the mirror reachable?"
}

# Print the names of the packages offered that match the extended regular expression $1, by version.
apt_names()
{
	apt-cache -c "$APT_DIR/apt.conf" pkgnames | grep -E "^($1)$" | sort -V || :
}

# Print the version of package $1 that would be fetched; nothing when there is none.
apt_version()
{
	apt-cache -c "$APT_DIR/apt.conf" policy "$1" | sed -n 's/^  Candidate: //p' | grep -v '^(none)$' || :
}

# Print what package $1 depends on, by name alone, alternatives left out.
apt_depends()
{
	apt-cache -c "$APT_DIR/apt.conf" show --no-all-versions "$1" | sed -n 's/^Depends: //p' |
		tr ',' '\n' | sed 's/^ *//; s/[ |(].*//'
}

# apt_unpack DIR PACKAGE...: download the packages and unpack them into DIR. Lists can be a day
# behind the mirror, which drops a package as its successor comes: then read them again, once.
apt_unpack()
{
	into=$1
	shift
	debs=$(mktemp -d "$APT_DIR/debs.XXXXXX")
	if ! (cd "$debs" && apt-get -c "$APT_DIR/apt.conf" -qq download "$@") >"$debs/log" 2>&1; then
		apt_refresh now
		if ! (cd "$debs" && apt-get -c "$APT_DIR/apt.conf" -qq download "$@") >"$debs/log" 2>&1; then
			cat "$debs/log" >&2
			rm -rf "$debs"
			return 1
		fi
	fi
	mkdir -p "$into"
	for deb in "$debs"/*.deb; do
		dpkg -x "$deb" "$into" || return 1
	done
	rm -rf "$debs"
}
