#!/bin/sh
# What reboot-and-verify(8) has prepared for one boot, if anything.
set -e
cat <<'END'
if [ -f $prefix/exitstat.cfg ]; then
  source $prefix/exitstat.cfg
fi
END
