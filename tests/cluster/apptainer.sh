#!/usr/bin/env bash
# Apptainer for Debian 12, which has no package of it: Debian unstable's, with the newer glibc that it
# was built with beside it. For test machines; needs root.
set -euo pipefail
if command -v apptainer >/dev/null; then
  apptainer --version
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p lists/partial cache/archives/partial package glibc
mirror=$( (grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d \
  2>/dev/null || true) | sed -n 1p | tr -d ' ')
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] ${mirror:-http://deb.debian.org/debian} sid main" >sources.list
unstable=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
apt-get "${unstable[@]}" update -qq
apt-get "${unstable[@]}" download -qq apptainer libc6
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends patchelf \
  squashfs-tools squashfuse fuse2fs fuse-overlayfs uidmap fakeroot mmdebstrap >/dev/null
dpkg-deb -R apptainer_*.deb package
dpkg-deb -x libc6_*.deb glibc
own=/usr/lib/apptainer-glibc
mkdir -p "package$own"
cp -a glibc/usr/lib/x86_64-linux-gnu/. "package$own/"
rm -rf "package$own/gconv" "package$own/audit"
for program in usr/bin/apptainer usr/lib/x86_64-linux-gnu/apptainer/bin/starter; do
  patchelf --set-interpreter $own/ld-linux-x86-64.so.2 \
    --set-rpath $own:/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu "package/$program"
done
sed -i -E 's/libc6 \(>= [0-9.]+\)/libc6/; s/^(Version:.*)$/\1~bookworm1/' package/DEBIAN/control
sed -i -E '/usr\/bin\/apptainer$|bin\/starter$/d' package/DEBIAN/md5sums
dpkg-deb -Znone --root-owner-group -b package apptainer-bookworm.deb >/dev/null
dpkg -i --force-confmiss apptainer-bookworm.deb >/dev/null ||
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -f >/dev/null
# Root without CAP_SYS_RESOURCE cannot hand on all capabilities.
sed -i -E 's/^#? *root default capabilities *=.*/root default capabilities = no/' \
  /etc/apptainer/apptainer.conf
for file in /etc/subuid /etc/subgid; do
  grep -q '^root:' $file 2>/dev/null || echo root:100000:65536 >>$file
done
apptainer --version
