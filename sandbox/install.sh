#!/bin/sh
# Install what the sandbox and the tests need on Debian 12 or Ubuntu 24.04: the missing
# packages of the distribution, then the locked Python environment in .venv.
#
#   sandbox/install.sh                what `make up` needs
#   sandbox/install.sh --dev          the tests' and linters' needs as well, promtool among them
#   sandbox/install.sh --openstack    the database, queue and network of OpenStack's services too
set -eu
cd "$(dirname "$0")/.."

groups="--no-dev --inexact"
packages="ca-certificates gcc git ipmitool libc6-dev openipmi python3-apt python3-venv"
for option in "$@"; do
    case $option in
    --dev) groups="" packages="$packages prometheus" ;;
    --openstack) packages="$packages mariadb-client mariadb-server openvswitch-switch ovn-central
        ovn-host rabbitmq-server" ;;
    esac
done
missing=""
for package in $packages; do
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "Installing$missing"
    if ! command -v apt-get >/dev/null; then
        echo "This is neither Debian nor Ubuntu: install$missing by hand." >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    # Two checkouts may be set up at a time: apt waits for dpkg's lock, but not for its own lists'.
    exec 9>/run/lock/sandbox-install
    flock 9
    # The sandbox runs servers of its own: the packages shall start none of theirs (101: not
    # allowed, by Debian's policy for invoke-rc.d).
    policy=/usr/sbin/policy-rc.d
    [ ! -e $policy ] || mv $policy $policy.before-sandbox
    restore() { rm -f $policy; [ ! -e $policy.before-sandbox ] || mv $policy.before-sandbox $policy; }
    trap restore EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of words
    apt-get install -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends $missing >/dev/null
    restore
    trap - EXIT INT TERM
    exec 9>&-
fi

# uv comes from the distribution's Python: the charms are packed with that Python too.
uv=.cache/uv/bin/uv
if [ ! -x "$uv" ]; then
    /usr/bin/python3 -m venv .cache/uv
    .cache/uv/bin/pip install --quiet --disable-pip-version-check uv
fi
# shellcheck disable=SC2086
"$uv" sync --quiet --frozen --python /usr/bin/python3 $groups
