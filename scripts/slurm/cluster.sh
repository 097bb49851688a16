#!/usr/bin/env bash
# A real Slurm on this machine for tests: one node or several, loopback only, no systemd, everything below one folder.
#
#   cluster.sh install   programs: the system's where they are, else Debian packages unpacked below the folder
#   cluster.sh start     configures and starts munged, slurmctld, slurmd; ready when it returns
#   cluster.sh status    the daemons and the node; exit code 0 only when a job could run
#   cluster.sh stop      cancels the jobs, stops what it started (by pid file), leaves the folder
#   cluster.sh kill      kills slurmctld and slurmd, which start brings back
#   cluster.sh env       lines for eval: PATH and SLURM_CONF
#   cluster.sh destroy   stop, and the folder goes
#
# SLURM_LOCAL_DIR   folder (default /tmp/kglab-slurm)      SLURM_LOCAL_CPUS  CPUs of the node (default: this machine's)
# SLURM_LOCAL_PORT  slurmctld's; nodes have the next ones (default 16817)
# SLURM_LOCAL_UNPACK=1  unpacked packages even where the system has Slurm     SLURM_LOCAL_NICE  niceness (default 10)
# SLURM_LOCAL_NODES  nodes, which are all this machine (default 1)    SLURM_LOCAL_EXTRA  further lines of slurm.conf
set -euo pipefail

dir=$(realpath -m "${SLURM_LOCAL_DIR:-/tmp/kglab-slurm}")
port=${SLURM_LOCAL_PORT:-16817}
cpus=${SLURM_LOCAL_CPUS:-$(nproc)}
nice=${SLURM_LOCAL_NICE:-10}
nodes=$(seq -f 'node%g' "${SLURM_LOCAL_NODES:-1}")
conf=$dir/etc/slurm.conf
root=$dir/root
packages="munge libmunge2 libhwloc15 liblua5.1-0 slurm-wlm-basic-plugins slurm-client slurmd slurmctld"
# What the packages above depend on and a bare container may lack; unpacked only where the loader misses it.
libraries="libdbus-1-3 libjson-c5 libnuma1 libyaml-0-2 liblz4-1 libpam0g libsystemd0 libltdl7 libbz2-1.0 libgcrypt20 libgpg-error0"

say() { echo "slurm: $*" >&2; }
die() { say "$*"; exit 1; }

# --- programs ---------------------------------------------------------------------------------------------------

libpath() { echo "$root/usr/lib/$(uname -m)-linux-gnu/slurm-wlm:$root/usr/lib/$(uname -m)-linux-gnu:$root/lib/$(uname -m)-linux-gnu"; }

# Path of a program; Debian's unpacked daemons have the suffix that update-alternatives would hide.
program() {
  local p
  if [ -e "$dir/system" ]; then
    for p in "/usr/sbin/$1" "/usr/bin/$1" "$(command -v "$1" || true)"; do [ -x "$p" ] && { echo "$p"; return; }; done
  else
    for p in "$root/usr/sbin/$1" "$root/usr/sbin/$1-wlm" "$root/usr/bin/$1"; do [ -x "$p" ] && { echo "$p"; return; }; done
  fi
  die "no program $1; run: $0 install"
}

daemon() {  # runs a daemon with the unpacked libraries; system programs need none
  local name=$1; shift
  if [ -e "$dir/system" ]; then nice -n "$nice" "$(program "$name")" "$@"
  else LD_LIBRARY_PATH=$(libpath) nice -n "$nice" "$(program "$name")" "$@"; fi
}

install() {
  mkdir -p "$dir"
  if [ -z "${SLURM_LOCAL_UNPACK:-}" ] && [ -x /usr/sbin/munged ] && [ -x /usr/sbin/slurmctld ] && [ -x /usr/sbin/slurmd ] && [ -x /usr/bin/sbatch ]; then
    touch "$dir/system"; clients /usr/bin; say "the system's: $(slurmd -V)"; return
  fi
  rm -f "$dir/system"
  if [ ! -e "$root/complete" ]; then
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || die "needs apt-get and dpkg-deb (Debian, Ubuntu), or a Slurm of the system's"
    mkdir -p "$dir/debs" "$root"
    (cd "$dir/debs"; apt-get download $packages >/dev/null 2>"$dir/apt.log" || { [ "$(id -u)" = 0 ] && apt-get update >/dev/null 2>&1 && apt-get download $packages >/dev/null 2>"$dir/apt.log"; }) \
      || { cat "$dir/apt.log" >&2; die "apt-get download failed; as root run: apt-get update"; }
    for deb in "$dir"/debs/*.deb; do dpkg-deb -x "$deb" "$root"; done
    if missing | grep -q .; then
      (cd "$dir/debs"; for l in $libraries; do apt-get download "$l" >/dev/null 2>&1 || true; done)
      for deb in "$dir"/debs/*.deb; do dpkg-deb -x "$deb" "$root"; done
    fi
    if missing | grep -q .; then missing >&2; die "libraries are missing (above)"; fi
    touch "$root/complete"
  fi
  local loader; for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do [ -x $loader ] && break; done
  clients "$root/usr/bin" "$loader" --library-path "$(libpath)"
  say "unpacked below $root: $(daemon slurmd -V)"
}

# Clients that know this cluster even where the environment was cleared of SLURM_* (as Snakemake's plugin does in a job).
# Unpacked ones go through the loader, so that no LD_LIBRARY_PATH gets into a job's environment.
clients() {
  local from=$1 p; shift; mkdir -p "$dir/bin"
  for p in sbatch srun salloc scancel scontrol squeue sinfo sacct sacctmgr sattach sbcast sdiag sprio sreport sshare sstat strigger munge unmunge; do
    [ -x "$from/$p" ] || continue
    { echo '#!/bin/sh'; echo "export SLURM_CONF=\${SLURM_CONF:-$conf}"; printf 'exec'; printf ' %q' "$@" "$from/$p"; echo ' "$@"'; } >"$dir/bin/$p"
    chmod +x "$dir/bin/$p"
  done
}

missing() { for f in "$root"/usr/sbin/* "$root"/usr/bin/s* "$root"/usr/bin/munge; do LD_LIBRARY_PATH=$(libpath) ldd "$f" 2>/dev/null | grep "not found" || true; done | sort -u; }

use() { PATH=$dir/bin:$PATH; export PATH SLURM_CONF=$conf; }

# --- configuration ----------------------------------------------------------------------------------------------

configure() {
  mkdir -p "$dir"/{etc,key,run,log,state,spool}
  chmod 755 "$dir" "$dir/run"   # munged refuses a socket in a folder that not everyone may enter,
  chmod 700 "$dir/key"          # and a key in a folder that others may write to
  [ ${#dir} -le 80 ] || die "$dir: too long for a Unix socket's path"
  [ -s "$dir/key/munge.key" ] || (umask 077; head -c 128 /dev/urandom >"$dir/key/munge.key")
  local user node memory address any; user=$(id -un); node=$(hostname -s)
  # The daemons bind to what the machine's own name resolves to, so to loopback alone only where that is loopback;
  # elsewhere they listen on every address, and munge's key alone decides who may speak to them.
  address=$(getent ahostsv4 "$(hostname)" 2>/dev/null | awk 'NR == 1 {print $1}' || true); any=NoInAddrAny,NoCtldInAddrAny
  case $address in 127.*) ;; *) address=127.0.0.1; any=; say "$(hostname) does not resolve to loopback: the daemons listen on every address" ;; esac
  memory=$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
  {
    echo "ClusterName=local"
    echo "SlurmctldHost=$node($address)        # its own name, so that it knows itself; the address needs no resolver"
    echo "SlurmctldPort=$port"
    echo "SlurmdPort=$((port + 1))"
    [ -z "$any" ] || echo "CommunicationParameters=$any   # the default is to listen on every address"
    echo "SlurmUser=$user"
    echo "SlurmdUser=$user"
    echo "AuthType=auth/munge"
    echo "AuthInfo=socket=$dir/run/munge.socket,cred_expire=5   # a requeued job waits cred_expire + 1 s; default 120"
    echo "StateSaveLocation=$dir/state"
    echo "SlurmdSpoolDir=$dir/spool/%n"
    echo "SlurmctldPidFile=$dir/run/slurmctld.pid"
    echo "SlurmdPidFile=$dir/run/slurmd-%n.pid"
    echo "SlurmctldLogFile=$dir/log/slurmctld.log"
    echo "SlurmdLogFile=$dir/log/slurmd-%n.log"
    echo "MailProg=/bin/true"
    echo "ProctrackType=proctrack/linuxproc     # the default, cgroup, needs cgroups a container may not have"
    echo "TaskPlugin=task/none"
    echo "JobAcctGatherType=jobacct_gather/none"
    echo "AccountingStorageType=accounting_storage/none"
    echo "JobCompType=jobcomp/filetxt           # a line for each job that ended, since there is no sacct"
    echo "JobCompLoc=$dir/log/jobs.txt"
    echo "SelectType=select/cons_tres           # the default, linear, gives a job the whole node"
    echo "SelectTypeParameters=CR_CPU"
    echo "SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=10000"
    echo "SlurmdParameters=config_overrides     # more CPUs than the machine has, for tests"
    echo "ReturnToService=2"
    echo "KillWait=10"
    echo "MinJobAge=86400"
    [ -e "$dir/system" ] || echo "PluginDir=$root/usr/lib/$(uname -m)-linux-gnu/slurm-wlm"
    local n p=$port
    for n in $nodes; do
      p=$((p + 1)); mkdir -p "$dir/spool/$n"
      echo "NodeName=$n NodeHostname=$node NodeAddr=$address Port=$p CPUs=$cpus Boards=1 SocketsPerBoard=1 CoresPerSocket=$cpus ThreadsPerCore=1 RealMemory=$memory State=UNKNOWN"
    done
    echo "PartitionName=local Nodes=ALL Default=YES MaxTime=INFINITE State=UP"
    [ -z "${SLURM_LOCAL_EXTRA:-}" ] || printf '%s\n' "$SLURM_LOCAL_EXTRA"
  } >"$conf"
  echo "CgroupPlugin=autodetect" >"$dir/etc/cgroup.conf"     # without the file, 22.05 takes a null for a folder's name wherever it loads cgroups
}

# --- daemons ----------------------------------------------------------------------------------------------------

# The pid in a pid file, if that process is one of ours: its command line names this folder.
running() {
  local pid; pid=$(cat "$dir/run/$1.pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$dir/" || return 1
  echo "$pid"
}

await() { local n=$1; shift; for _ in $(seq $((n * 5))); do "$@" >/dev/null 2>&1 && return 0; sleep 0.2; done; return 1; }

start() {
  [ -e "$dir/system" ] || [ -e "$root/complete" ] || install
  use
  if all_run; then say "runs already"; status; return; fi
  local n p
  running munged >/dev/null || for p in $(seq "$port" $((port + $(wc -w <<<"$nodes")))); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; then die "port $p is taken; set SLURM_LOCAL_PORT"; fi
  done
  configure
  running munged >/dev/null || daemon munged --key-file="$dir/key/munge.key" --socket="$dir/run/munge.socket" --pid-file="$dir/run/munged.pid" \
    --log-file="$dir/log/munged.log" --seed-file="$dir/key/munged.seed" --origin=127.0.0.1 --num-threads=2 || die "munged: see $dir/log/munged.log"
  await 5 test -S "$dir/run/munge.socket" || die "munged: no socket"
  running slurmctld >/dev/null || daemon slurmctld -f "$conf" || die "slurmctld: see $dir/log/slurmctld.log"
  await 10 scontrol ping || { tail -5 "$dir/log/slurmctld.log" >&2; die "slurmctld does not answer"; }
  local step=(); [ -e "$dir/system" ] || step=(-d "$(program slurmstepd)")
  for n in $nodes; do
    running "slurmd-$n" >/dev/null || daemon slurmd -N "$n" -f "$conf" "${step[@]}" || die "slurmd: see $dir/log/slurmd-$n.log"
  done
  await 15 ready || { tail -n 5 "$dir"/log/slurmd-*.log >&2; die "not all nodes became idle: $(sinfo -h -o '%T %E' 2>&1)"; }
  status
}

ready() { [ "$(sinfo -h -N -t idle,mix,alloc -o %N | sort -u | wc -l)" = "$(wc -w <<<"$nodes")" ]; }
daemons() { echo munged slurmctld; for n in $nodes; do echo "slurmd-$n"; done; }
all_run() { local d; for d in $(daemons); do running "$d" >/dev/null || return 1; done; }

status() {
  use
  local d pid up=0
  for d in $(daemons); do
    if pid=$(running $d); then echo "$d: pid $pid"; else echo "$d: not running"; up=1; fi
  done
  [ $up = 0 ] || return 1
  sinfo -h -o 'node %N: %T, %c CPUs, %m MB'
  squeue -h -r -t all -o %T | sort | uniq -c | awk '{printf "jobs %s: %s\n", tolower($2), $1}'
  ready
}

end() {  # TERM, then KILL after 10 s, for one of our daemons
  local pid; pid=$(running "$1") || { rm -f "$dir/run/$1.pid"; return 0; }
  kill -TERM "$pid" 2>/dev/null || true
  await 10 gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
  rm -f "$dir/run/$1.pid"
}
gone() { ! kill -0 "$1" 2>/dev/null; }
idle() { [ -z "$(squeue -h)" ]; }

stop() {
  [ -e "$conf" ] || { say "nothing in $dir"; return 0; }
  use
  if all_run; then
    squeue -h -r -o %i | xargs -r scancel 2>/dev/null || true
    if ! await 15 idle; then    # what ignores TERM is killed by Slurm after KillWait
      for pid in $(scontrol listpids 2>/dev/null | awk 'NR > 1 {print $1}'); do kill -KILL "$pid" 2>/dev/null || true; done
      await 5 idle || say "jobs are left: $(squeue -h -r -o %i | tr '\n' ' ')"
    fi
  fi
  local n
  for n in $nodes; do end "slurmd-$n"; done
  end slurmctld; end munged
  rm -f "$dir/run/munge.socket" "$dir/run/munge.socket.lock"
}

case ${1:-} in
  install) install ;;
  start) start ;;
  stop) stop ;;
  status) status ;;
  kill)  # as when machines lose their power: slurmctld and slurmd go without a word, munged stays
    for n in $(daemons); do [ "$n" = munged ] || { p=$(running "$n") && kill -KILL "$p"; rm -f "$dir/run/$n.pid"; }; done ;;
  env) echo "export PATH=$dir/bin:\$PATH SLURM_CONF=$conf" ;;
  destroy) stop; rm -rf "$dir" ;;
  *) sed -n '2,16s/^# \{0,1\}//p' "$0"; exit 64 ;;
esac
