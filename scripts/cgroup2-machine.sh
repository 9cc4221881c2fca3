#!/bin/bash
# cgroup2-machine.sh [--init systemd|plain] [--kernel FILE.deb] [--sysctl KEY=VALUE]… [--] COMMAND…: runs COMMAND as root in a virtual
# machine with a distribution's kernel and the unified hierarchy of control groups alone, and ends with its status.
#
# The machine's root is this machine's own file system, under an overlay in memory: what COMMAND writes is gone with it. /tmp is a disk of
# its own, of ext4. The network is the emulator's; 127.0.0.1 here is nowhere there. COMMAND runs in the folder it was started in, with PATH,
# HOME, LANG and every variable FORGE_*. `systemd` (where installed) is pid 1 and delegates as on a desktop; `plain` is a shell, with
# nothing delegated and no controller enabled. The kernel comes from a package, which is asked of apt once and kept in .build/cgroup2-machine.
set -euo pipefail
checkout=$(realpath "$(dirname "$0")/..")
cache=$checkout/.build/cgroup2-machine
init=; package=; sysctls=()
while [ $# -gt 0 ]; do
    case $1 in
        --init) init=$2; shift 2 ;;
        --kernel) package=$(realpath "$2"); shift 2 ;;
        --sysctl) sysctls+=("$2"); shift 2 ;;
        --) shift; break ;;
        -*) echo "cgroup2-machine: no option '$1'" >&2; exit 2 ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }

missing() { echo "cgroup2-machine: $1; $2" >&2; exit 2; }
qemu=$(command -v qemu-system-x86_64) || missing "no qemu-system-x86_64" "sudo apt-get install qemu-system-x86"
virtiofsd=
for place in /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd /usr/lib/virtiofsd; do [ ! -x $place ] || virtiofsd=$place; done
[ -n "$virtiofsd" ] || missing "no virtiofsd" "sudo apt-get install virtiofsd (it comes with qemu-system-common before Debian 13)"
busybox=$(command -v busybox) || missing "no busybox" "sudo apt-get install busybox-static"
! ldd "$busybox" > /dev/null 2>&1 || missing "$busybox needs libraries" "sudo apt-get install busybox-static"
# A KVM without the processor's help (kvm_pvm) runs kernels only that were made for it.
accelerator=kvm
if [ ! -w /dev/kvm ] || [ -d /sys/module/kvm_pvm ]; then
    # Its clock counts instructions, so that a slow machine does not seem to hang to who has a deadline.
    accelerator="tcg,thread=single -icount shift=1,sleep=on"
    echo "cgroup2-machine: no virtualisation by the processor here: emulated, ten to thirty times slower" >&2
fi
[ "$(id -u)" = 0 ] || missing "not root" "the machine has to read all of this one's files: use sudo"
[ -n "$init" ] || { init=plain; [ ! -x /usr/lib/systemd/systemd ] || init=systemd; }
case $init in systemd | plain) ;; *) missing "no init '$init'" "systemd or plain" ;; esac

# The kernel and its modules, unpacked once for each package.
mkdir -p "$cache"
if [ -z "$package" ]; then
    package=$(find "$cache" -maxdepth 1 -name 'linux-image-*.deb' | sort -V | tail -n 1)
    if [ -z "$package" ]; then
        for wish in linux-image-6.12-cloud-amd64 linux-image-cloud-amd64; do
            name=$(apt-cache depends "$wish" 2> /dev/null | awk '/Depends: linux-image/ {print $2; exit}')
            [ -z "$name" ] || break
        done
        [ -n "$name" ] || missing "apt knows no linux-image-cloud-amd64" "give a kernel's package with --kernel"
        (cd "$cache" && apt-get download "$name" > /dev/null) || missing "$name could not be fetched" "give a kernel's package with --kernel"
        package=$(find "$cache" -maxdepth 1 -name 'linux-image-*.deb' | sort -V | tail -n 1)
    fi
fi
kernel=$cache/$(basename "$package" .deb)
if [ ! -e "$kernel/whole" ]; then
    rm -rf "$kernel"
    dpkg -x "$package" "$kernel"
    release=$(ls "$kernel/lib/modules")
    find "$kernel/lib/modules" -name '*.ko.xz' -print0 | xargs -0 -r xz -d
    (cd "$kernel" && "$busybox" depmod -b "$kernel" "$release")
    touch "$kernel/whole"
fi
release=$(ls "$kernel/lib/modules")
modules=$kernel/lib/modules/$release
grep -q '^CONFIG_VIRTIO_FS=[ym]' "$kernel/boot/config-$release" || missing "$release has no virtiofs" "give another kernel's package with --kernel"

work=$(mktemp -d /var/tmp/forge-machine.XXXXXX)
trap 'kill "$server" 2> /dev/null || true; rm -rf "$work"' EXIT

# What runs first: lays the overlay over the shared root and starts pid 1 there.
ram=$work/ram
mkdir -p "$ram"/{bin,proc,sys,dev,lower,upper,new,modules}
cp "$busybox" "$ram/bin/busybox"
wanted="virtio_pci virtiofs overlay virtio_blk virtio_net loop veth ext4 bridge af_packet nf_tables nft_ct nft_reject_inet nft_masq nft_chain_nat nft_fib_inet"
(cd "$modules" && awk -F: -v wanted="$wanted" '
    { name = $1; sub(/.*\//, "", name); sub(/\.ko$/, "", name); gsub(/-/, "_", name); path[name] = $1; needs[$1] = $2 }
    function load(file, list, i, n) { if (done[file]++) return; n = split(needs[file], list, " "); for (i = n; i > 0; i--) load(list[i]); print file }
    END { n = split(wanted, names, " "); for (i = 1; i <= n; i++) if (names[i] in path) load(path[names[i]]) }' modules.dep) > "$ram/modules/order"
while read -r file; do cp "$modules/$file" "$ram/modules/"; done < "$ram/modules/order"
cat > "$ram/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t devtmpfs dev /dev
while read -r file; do insmod "/modules/${file##*/}" || echo "no module $file" > /dev/console; done < /modules/order
mount -t virtiofs -o ro root /lower && mount -t tmpfs -o size=3g upper /upper && mkdir /upper/files /upper/work || exec sh
mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work root /new || exec sh
cp /first /command /environment /release /here /new/run/ 2> /dev/null || { mkdir -p /new/run; cp /first /command /environment /release /here /new/run/; }
mount --move /dev /new/dev; umount /proc /sys
exec switch_root /new /bin/bash /run/first
INIT
cat > "$ram/first" <<'FIRST'
# Pid 1 of the machine: what any boot does, then either a service manager or the command itself.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
run=$(mktemp -d -p /var/tmp); mv /run/first /run/command /run/environment /run/release /run/here "$run"
. "$run/release"
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t securityfs security /sys/kernel/security
mount -t tmpfs -o mode=755,size=20% run /run
mkdir /run/machine; cp "$run"/* /run/machine; rm -r "$run"
mount -t tmpfs -o mode=1777 shm /dev/shm 2> /dev/null || { mkdir -p /dev/shm; mount -t tmpfs -o mode=1777 shm /dev/shm; }
mkdir -p /dev/pts; mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mkdir -p /lib/modules; mount --bind "$MODULES" /lib/modules
if [ ! -x /sbin/modprobe ]; then printf '#!/bin/sh\nexec %s modprobe "$@"\n' "$BUSYBOX" > /sbin/modprobe; chmod 755 /sbin/modprobe; fi
mount -t ext4 -o noatime /dev/vda /tmp; chmod 1777 /tmp
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
ip link set lo up
for card in /sys/class/net/e*; do
    card=${card##*/}
    ip link set "$card" up; ip address add 10.0.2.15/24 dev "$card"; ip route add default via 10.0.2.2
done
hostname forge-machine
umount /etc/resolv.conf 2> /dev/null; rm -f /etc/resolv.conf; echo 'nameserver 10.0.2.3' > /etc/resolv.conf
cat > /run/machine/go <<'GO'
. /run/machine/release
for setting in $SYSCTLS; do sysctl -qw "$setting"; done
cd "$(cat /run/machine/here)"
mapfile -d '' -t words < /run/machine/command
mapfile -d '' -t variables < /run/machine/environment
env -i "${variables[@]}" "${words[@]}" < /dev/null 2>&1 | cat > /dev/ttyS1
echo ${PIPESTATUS[0]} > /dev/ttyS2
sync
GO
for line in /dev/ttyS1 /dev/ttyS2; do stty -F $line raw -echo; done
if [ "$INIT" = systemd ]; then
    # Nothing of the machine's own services but what delegation takes.
    mkdir -p /run/systemd/system
    printf '[Unit]\nRequires=dbus.service systemd-logind.service\nAfter=dbus.service systemd-logind.service\n[Service]\nType=oneshot\nExecStart=/bin/bash /run/machine/go\nExecStopPost=/bin/systemctl poweroff -ff\nKillMode=none\n' > /run/systemd/system/machine.service
    printf '[Unit]\nRequires=machine.service\nAllowIsolate=yes\n' > /run/systemd/system/machine.target
    for unit in systemd-udevd systemd-resolved systemd-timesyncd systemd-networkd systemd-remount-fs; do ln -s /dev/null /run/systemd/system/$unit.service; done
    rm -f /etc/fstab; : > /etc/fstab
    exec /usr/lib/systemd/systemd --unit=machine.target --show-status=no --log-level=warning
fi
bash /run/machine/go
exec "$BUSYBOX" poweroff -f
FIRST
printf '%s\0' "$@" > "$ram/command"
printf '%s\0' "PATH=$PATH" "HOME=$HOME" "LANG=${LANG:-C.UTF-8}" > "$ram/environment"
env -0 | grep -z '^FORGE_' >> "$ram/environment" || true
pwd > "$ram/here"
printf 'INIT=%q\nMODULES=%q\nBUSYBOX=%q\nSYSCTLS=%q\n' "$init" "$kernel/lib/modules" "$busybox" "${sysctls[*]:-}" > "$ram/release"
chmod 755 "$ram/init"
(cd "$ram" && find . | "$busybox" cpio -o -H newc 2> /dev/null) | gzip -1 > "$work/initrd"

truncate -s 40G "$work/disk"
mkfs.ext4 -q -E lazy_itable_init=1,lazy_journal_init=1 "$work/disk"
"$virtiofsd" --socket-path="$work/files" -o source=/ -o cache=always -o sandbox=chroot -o xattr > "$work/files.log" 2>&1 &
server=$!
for _ in $(seq 200); do [ ! -S "$work/files" ] || break; sleep 0.05; done
[ -S "$work/files" ] || { cat "$work/files.log" >&2; missing "virtiofsd did not start" "see what it said"; }
memory=${FORGE_MACHINE_MEMORY:-8G}
"$qemu" -accel $accelerator -cpu max -smp "${FORGE_MACHINE_CORES:-2}" -m "$memory" -object memory-backend-memfd,id=memory,size="$memory",share=on -numa node,memdev=memory \
    -kernel "$kernel/boot/vmlinuz-$release" -initrd "$work/initrd" -append "console=ttyS0 quiet panic=-1 cgroup_no_v1=all" \
    -nodefaults -no-user-config -display none -no-reboot \
    -serial "file:$work/console" -serial stdio -serial "file:$work/status" \
    -chardev socket,id=files,path="$work/files" -device vhost-user-fs-pci,chardev=files,tag=root \
    -drive "file=$work/disk,format=raw,if=virtio,cache=unsafe,discard=unmap" -nic user,model=virtio-net-pci < /dev/null || true
status=$(tr -d '\r\n' < "$work/status" 2> /dev/null || true)
if [ -z "$status" ]; then
    echo "cgroup2-machine: the machine ended without a status; its console:" >&2
    tail -n 60 "$work/console" >&2
    exit 3
fi
[ "${FORGE_MACHINE_CONSOLE:-}" = "" ] || cat "$work/console" >&2
exit "$status"
