#!/bin/bash
# Exits with 0 if the app that listens on port $1 of this container answers. It uses only bash, because a Node process for each
# check would cost more than the app on a small machine.
exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
printf 'GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
read -r _ status _ <&3
[ "$status" = 200 ]
