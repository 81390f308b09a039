# Runs in the network namespace of a host, and becomes that host's init: systemd in namespaces of its own.
# Arguments: the lower layer, an empty folder for what changes, a folder that shows up as /mnt, a name.
set -e
lower=$1 changes=$2 shown=$3 name=$4

# A control group of its own, in whichever way this system has them.
mkdir -p "$changes/upper" "$changes/work" "$changes/root" "$changes/groups"
mount -t cgroup2 cgroup2 "$changes/groups"
mkdir -p "$changes/groups/$name"
echo $$ > "$changes/groups/$name/cgroup.procs"
umount "$changes/groups"

exec unshare --pid --fork --mount --uts --ipc --cgroup --kill-child=KILL sh -ec '
lower=$1 changes=$2 shown=$3
root=$changes/root
mount --make-rprivate /
mount -t overlay -o "lowerdir=$lower,upperdir=$changes/upper,workdir=$changes/work" overlay "$root"
mount --bind "$shown" "$root/mnt"
mount -t proc proc "$root/proc"
# Settings of the kernel are those of the computer, which nobody in here may change.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null zero full random urandom tty; do
    : > "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s pts/ptmx "$root/dev/ptmx"
mkdir "$root/dev/shm" "$root/dev/pts" "$root/run/old"
# Nothing of the kernel that the computer has for itself.
for mount in sys-kernel-debug sys-kernel-tracing sys-kernel-config sys-fs-fuse-connections; do
    ln -sf /dev/null "$root/etc/systemd/system/$mount.mount"
done
cd "$root"
pivot_root . run/old
umount -l /run/old
rmdir /run/old
exec env -i container=pxelab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --show-status=no --log-target=console
' sh "$lower" "$changes" "$shown"
