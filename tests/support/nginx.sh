#!/bin/sh
# nginx as a server with HTTP/1.1 and, over TLS, HTTP/2, with a CA of its own; on loopback, and for ten
# minutes at most.
#   nginx.sh DIRECTORY [UPSTREAM]
# /api answers 200 with a few bytes; with UPSTREAM ("http://127.0.0.1:port") that server answers
# everything, and access.log tells of each request "connection protocol status path". In DIRECTORY are
# then ca.pem and, in files, the ports http and https and the pid.
set -eu
[ $# -ge 1 ] || { echo "usage: nginx.sh DIRECTORY [UPSTREAM]" >&2; exit 2; }
directory=$1
upstream=${2:-}
PATH=$PATH:/usr/sbin
cd "$directory"

certificates() {
    openssl ecparam -name prime256v1 -genkey -noout -out ca.key
    openssl req -x509 -new -key ca.key -days 2 -subj "/CN=a CA of the tests" -out ca.pem
    openssl ecparam -name prime256v1 -genkey -noout -out server.key
    openssl req -new -key server.key -subj "/CN=localhost" -out server.csr
    echo "subjectAltName=DNS:localhost,IP:127.0.0.1" >extensions
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
        -extfile extensions -out server.pem
}
answers() {
    if [ -n "$upstream" ]; then
        echo "proxy_pass $upstream; proxy_http_version 1.1; proxy_set_header Connection '';
            proxy_set_header Host \$http_host; proxy_buffering off;"
    else
        # shellcheck disable=SC2016 # nginx's own
        echo 'default_type application/json; return 200 "{\"id\":17,\"name\":\"a note\"}\n";'
    fi
}
configuration() { # the two ports
    log=off
    [ -z "$upstream" ] || log="access.log short"
    user=
    [ "$(id -u)" -ne 0 ] || user="user $(id -un) $(id -gn);" # it need not leave its user
    cat <<END
$user
worker_processes 1;
daemon off;
pid nginx.pid;
error_log error.log warn;
events { worker_connections 4096; }
http {
    log_format short '\$connection \$server_protocol \$status \$uri';
    access_log $log;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    keepalive_requests 1000000;
    http2_max_concurrent_streams 256;
    server {
        listen 127.0.0.1:$1 backlog=4096;
        listen 127.0.0.1:$2 ssl http2 backlog=4096;
        ssl_certificate server.pem;
        ssl_certificate_key server.key;
        location / { $(answers) }
    }
}
END
}

certificates >certificates.log 2>&1 || { cat certificates.log >&2; exit 1; }
# It cannot say which port the system gave it: where somebody has the ports, others are tried.
port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 10000))
for try in 0 2 4 6 8 10 12 14; do
    http=$((port + try)) https=$((port + try + 1))
    configuration $http $https >nginx.conf
    timeout 600 nginx -p "$PWD" -c nginx.conf >output 2>&1 3>&- &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        # It has its own pid file when it listens.
        if [ -s nginx.pid ]; then
            echo "$pid" >pid
            echo "$http" >http
            echo "$https" >https
            exit 0
        fi
        sleep 0.02
    done
done
cat output >&2
exit 1
