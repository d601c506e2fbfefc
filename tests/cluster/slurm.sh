#!/usr/bin/env bash
# A real Slurm of three nodes on one machine, for the tests: cpu1 and cpu2 in partition "cpu", gpu1
# with two pretend GPUs in partition "gpu". Needs root and Debian 12; no systemd, no cgroups.
#   slurm.sh install                packages
#   slurm.sh start | stop           ACCOUNTING=0 for a cluster without slurmdbd
#   slurm.sh kill NODE              the node's daemon and its jobs get SIGKILL
#   slurm.sh revive NODE
# State is in $CLUSTER_HOME; /etc/slurm gets links to it, since job steps look there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ "${1:-}" = install ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    slurm-wlm slurmdbd slurm-client munge mariadb-server procps >/dev/null
  exit
fi
home=${CLUSTER_HOME:?a folder for the state of the cluster}
mkdir -p "$home"
home=$(cd "$home" && pwd)
accounting=${ACCOUNTING:-1}
nodes=(cpu1 cpu2 gpu1)

wait_for() { # COMMAND ...: until it succeeds, for at most 80 s
  for _ in $(seq 400); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.2
  done
  echo "error: waited in vain for: $*" >&2
  return 1
}

end() { # PIDFILE [SIGNAL]
  [ -s "$1" ] || return 0
  local pid
  pid=$(cat "$1")
  kill -"${2:-TERM}" "$pid" 2>/dev/null || true
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  rm -f "$1"
}

with_children() { # PID
  local child
  for child in $(pgrep -P "$1" || true); do with_children "$child"; done
  echo "$1"
}

write_configuration() {
  mkdir -p "$home"/{run,log,state,dev,spool/cpu1,spool/cpu2,spool/gpu1} /etc/slurm
  chmod 755 "$home" "$home/run"
  sed "s|@B@|$home|g" "$here/slurm.conf.in" >"$home/slurm.conf"
  if [ "$accounting" = 1 ]; then
    cat >>"$home/slurm.conf" <<END
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort=16819
AccountingStoragePass=$home/run/munge.sock
AccountingStorageTRES=gres/gpu
END
  else
    printf '%s\n' JobAcctGatherType=jobacct_gather/none \
      AccountingStorageType=accounting_storage/none >>"$home/slurm.conf"
  fi
  for gpu in 0 1; do # a GPU must have a device file
    [ -e "$home/dev/nvidia$gpu" ] || mknod "$home/dev/nvidia$gpu" c 1 3
  done
  echo "NodeName=gpu1 Name=gpu Type=fake File=$home/dev/nvidia[0-1]" >"$home/gres.conf"
  cat >"$home/slurmdbd.conf" <<END
AuthType=auth/munge
AuthInfo=socket=$home/run/munge.sock
DbdHost=localhost
DbdPort=16819
SlurmUser=root
PidFile=$home/run/slurmdbd.pid
LogFile=$home/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
StoragePort=13306
END
  chmod 600 "$home/slurmdbd.conf"
  for file in slurm.conf gres.conf slurmdbd.conf; do ln -sfn "$home/$file" "/etc/slurm/$file"; done
}

start_accounting() {
  if [ ! -d "$home/db/mysql" ]; then
    mkdir -p "$home/db"
    mariadb-install-db --no-defaults --user=root --datadir="$home/db" \
      --auth-root-authentication-method=socket >"$home/log/db_install.log" 2>&1
  fi
  mariadbd --no-defaults --user=root --datadir="$home/db" --socket="$home/run/db.sock" \
    --port=13306 --bind-address=127.0.0.1 --innodb-buffer-pool-size=128M \
    --pid-file="$home/run/mariadb.pid" >"$home/log/mariadb.log" 2>&1 &
  wait_for mariadb-admin -S "$home/run/db.sock" ping
  mariadb -S "$home/run/db.sock" -e "
    CREATE DATABASE IF NOT EXISTS slurm_acct_db;
    CREATE USER IF NOT EXISTS slurm@localhost IDENTIFIED BY 'slurm';
    CREATE USER IF NOT EXISTS slurm@'127.0.0.1' IDENTIFIED BY 'slurm';
    GRANT ALL ON slurm_acct_db.* TO slurm@localhost;
    GRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1';"
  slurmdbd
  wait_for sacctmgr -n show cluster
  sacctmgr -n show cluster | grep -q toy || sacctmgr -i add cluster toy >/dev/null
}

case ${1:-} in
start)
  write_configuration
  if [ ! -s "$home/munge.key" ]; then
    head -c 1024 /dev/urandom >"$home/munge.key"
    chmod 400 "$home/munge.key"
  fi
  munged --force -S "$home/run/munge.sock" --key-file="$home/munge.key" \
    --pid-file="$home/run/munged.pid" --log-file="$home/log/munged.log" \
    --seed-file="$home/run/munge.seed"
  [ "$accounting" != 1 ] || start_accounting
  slurmctld
  wait_for scontrol ping
  for node in "${nodes[@]}"; do slurmd -N "$node"; done
  if [ "$accounting" = 1 ] && ! sacctmgr -n show account lab | grep -q lab; then
    sacctmgr -i add account lab >/dev/null
    sacctmgr -i add user root account=lab >/dev/null
  fi
  wait_for bash -c \
    'test "$(sinfo -h -t idle,alloc,mix -N -o %N | sort -u | wc -l)" = 3'
  ;;
revive) slurmd -N "$2" ;;
kill)
  jobs=$(squeue -h -w "$2" -t R -o %A || true)
  end "$home/run/slurmd.$2.pid" KILL
  for job in $jobs; do
    for step in $(pgrep -f "^slurmstepd: \[$job\." || true); do
      for pid in $(with_children "$step"); do kill -9 "$pid" 2>/dev/null || true; done
    done
  done
  ;;
stop)
  for node in "${nodes[@]}"; do end "$home/run/slurmd.$node.pid"; done
  for daemon in slurmctld slurmdbd mariadb munged; do end "$home/run/$daemon.pid"; done
  ;;
*)
  sed -n '2,8p' "$0"
  exit 2
  ;;
esac
