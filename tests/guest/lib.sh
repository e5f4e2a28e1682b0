# SPDX-License-Identifier: MIT
#
# What the guest scripts share: where things are, how to say something, and
# apt with a configuration of its own under the build folder, so that packages
# of another suite and architecture are fetched and verified without touching
# the machine's own package lists. Sourced, never run.
#
#   GUEST     folder that everything fetched ends up in (build/guest)
#   MIRROR    apt URI to use in place of the one in the machine's own sources

# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
GUEST=${GUEST:-$ROOT/build/guest}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
export GUEST_SUITE=trixie

say()
{
    printf 'guest: %s\n' "$*" >&2
}

die()
{
    printf 'guest: error: %s\n' "$*" >&2
    exit 1
}

# Runs a command as root: directly, or through sudo.
as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "need root or sudo for: $*"
    fi
}

# The archive that the machine itself installs Debian from, read from its apt
# sources in either format. Third parties' entries are told by their suites.
mirror_uri()
{
    local suites='^(oldoldstable|oldstable|stable|testing|unstable|sid|bullseye|bookworm|trixie|forky|duke)$'

    if [ -n "${MIRROR:-}" ]; then
        printf '%s\n' "$MIRROR"
        return
    fi
    {
        { cat /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } | awk -v RS= -v pat="$suites" '
            {
                n = split($0, line, "\n")
                key = uris = suite = types = ""
                enabled = 1
                for (i = 1; i <= n; i++) {
                    if (line[i] ~ /^#/) continue
                    if (match(line[i], /^[A-Za-z-]+:/)) {
                        key = tolower(substr(line[i], 1, RLENGTH - 1))
                        line[i] = substr(line[i], RLENGTH + 1)
                    }
                    if (key == "uris") uris = uris " " line[i]
                    if (key == "suites") suite = suite " " line[i]
                    if (key == "types") types = types " " line[i]
                    if (key == "enabled" && line[i] ~ /no/) enabled = 0
                }
                m = split(suite, s, " ")
                split(uris, u, " ")
                for (i = 1; i <= m && enabled && types ~ /deb/; i++)
                    if (s[i] ~ pat) print u[1]
            }'
        { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true; } | awk -v pat="$suites" '
            $1 == "deb" {
                sub(/\[[^]]*\]/, "")
                if ($3 ~ pat) print $2
            }'
    } | awk '!/^cdrom:/ && !done { print; done = 1 }'
}

# apt_setup SUITE ARCH: makes the apt configuration if it is not there and sets
# APT_CONF to its file. Everything else of the machine's configuration (proxy,
# authentication) stays in force.
apt_setup()
{
    local suite=$1 arch=$2 dir="$GUEST/apt/$1-$2" uri

    APT_CONF=$dir/apt.conf
    if [ -e "$dir/.updated" ]; then
        return
    fi
    uri=$(mirror_uri)
    [ -n "$uri" ] || die "no Debian archive found in /etc/apt; set MIRROR=<apt URI>"
    [ -r "$KEYRING" ] || as_root apt-get install -y debian-archive-keyring
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
    : >"$dir/status"
    echo "deb [arch=$arch signed-by=$KEYRING] $uri $suite main" >"$dir/sources.list"
    cat >"$APT_CONF" <<CONF
#clear APT::Architectures;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Install-Recommends "false";
APT::Sandbox::User "$(id -un)";
APT::Default-Release "";
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$dir/state";
Dir::State::status "$dir/status";
Dir::Cache "$dir/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Debug::NoLocking "true";
CONF
    say "reading the package lists of Debian $suite $arch"
    apt_run update
    touch "$dir/.updated"
}

# apt-get with the current APT_CONF; quiet when nobody watches.
apt_run()
{
    local quiet=-qq

    if [ -t 2 ]; then
        quiet=-q=0
    fi
    apt-get -c "$APT_CONF" -y $quiet "$@" </dev/null >&2
}

# apt_fetch DIR PACKAGE...: downloads just these packages, verified, into DIR.
apt_fetch()
{
    local dir=$1
    shift
    mkdir -p "$dir"
    (cd "$dir" && apt_again download "$@")
}

# As apt_run; when it fails, the package lists may have aged: reads them again.
apt_again()
{
    apt_run "$@" || { apt_run update && apt_run "$@"; }
}

# apt_fetch_closure PACKAGE...: downloads them and all that they depend on.
# The files end up in the printed folder.
apt_fetch_closure()
{
    apt_again --no-install-recommends --download-only install "$@"
    printf '%s/cache/archives\n' "$(dirname "$APT_CONF")"
}

# Packages of the machine itself that a script needs: need_packages NAME...
need_packages()
{
    "$ROOT/tests/guest/install-deps.sh" packages "$@"
}
