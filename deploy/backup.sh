#!/bin/sh
# Copies what cannot be made again into a new folder of GOALPOST_BACKUPS, while no run writes: a run that starts
# meanwhile waits. Keeps the newest GOALPOST_BACKUPS_KEPT. How to restore: docs/deployment.md.
set -eu
: "${GOALPOST_HOME:?}" "${GOALPOST_BACKUPS:?}" "${GOALPOST_BACKUPS_KEPT:=7}"
umask 077

exec 9>>"$GOALPOST_HOME/writer.lock"
flock --timeout 3600 9
echo "process $$ (a backup), since $(date -u +'%Y-%m-%d %H:%M:%S') UTC" >"$GOALPOST_HOME/writer.lock"
trap ': >"$GOALPOST_HOME/writer.lock"' EXIT

backup=$GOALPOST_BACKUPS/$(date -u +%Y%m%dT%H%M%SZ)
rm -rf "$GOALPOST_BACKUPS"/*.unfinished
mkdir -p "$backup.unfinished"
cd "$GOALPOST_HOME"
# The two databases belong together. A .wal is there after a run that was killed, and belongs to its database.
for file in warehouse.duckdb warehouse.duckdb.wal warehouse.marts.duckdb warehouse.marts.duckdb.wal \
    pinned_clock incidents.json; do
    if [ -e "$file" ]; then cp --preserve "$file" "$backup.unfinished/"; fi
done
sync "$backup.unfinished"/*
mv "$backup.unfinished" "$backup"
echo "Backed up to $backup."

find "$GOALPOST_BACKUPS" -mindepth 1 -maxdepth 1 -type d -name '*Z' | sort | head -n "-$GOALPOST_BACKUPS_KEPT" |
    xargs --no-run-if-empty rm -r
