/** Configurations that make other servers do the same job as plain relays, and nginx play the payment API. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './contenders.ts';
import type { Setting } from './setting.ts';

/** Whether a program can be run here. */
export function isInstalled(program: string, versionFlag: string): boolean {
  return spawnSync(program, [versionFlag]).status === 0;
}

/** @returns the command that runs nginx as a payment API which demands a client certificate */
export function nginxUpstream(setting: Setting, port: number): readonly string[] {
  return nginx(
    setting,
    'upstream',
    `server {
      listen 127.0.0.1:${port} ssl;
      ssl_certificate ${setting.serverCertFile}; ssl_certificate_key ${setting.serverKeyFile};
      ssl_client_certificate ${setting.caFile}; ssl_verify_client on;
      keepalive_timeout 65s; keepalive_requests 1000000000; client_max_body_size 32m; client_body_buffer_size 12m;
      default_type application/json; root ${setting.directory}/bodies;
      # A payment API reads the request before it answers, which nginx does for a file only if it has another use for it.
      location / { mirror /unused; error_page 405 =200 $uri; }
      location = /unused { internal; return 204; }
    }`,
  );
}

/** @returns the command that runs nginx as a relay with access log */
export function nginxRelay({ setting, port, upstreamPort }: Place): readonly string[] {
  return nginx(
    setting,
    'relay',
    `upstream api { server 127.0.0.1:${upstreamPort}; keepalive 600; keepalive_requests 1000000000; }
    server {
      listen 127.0.0.1:${port}; keepalive_requests 1000000000; client_max_body_size 32m;
      access_log ${setting.directory}/relay-access.log;
      location / {
        proxy_pass https://api; proxy_http_version 1.1; proxy_set_header Connection "";
        proxy_ssl_certificate ${setting.certFile}; proxy_ssl_certificate_key ${setting.keyFile};
        proxy_ssl_trusted_certificate ${setting.caFile}; proxy_ssl_verify on; proxy_ssl_name localhost;
        proxy_ssl_server_name on;
      }
    }`,
  );
}

function nginx({ directory }: Setting, name: string, server: string): readonly string[] {
  const file = join(directory, `nginx-${name}.conf`);
  writeFileSync(
    file,
    // One process: a worker would outlive a master that is killed.
    `daemon off; master_process off; pid ${directory}/nginx-${name}.pid; error_log ${directory}/nginx-${name}.log;
    events { worker_connections 4096; }
    http { access_log off; client_body_temp_path ${directory}/${name}-body; proxy_temp_path ${directory}/${name}-proxy;
    fastcgi_temp_path ${directory}/${name}-f; uwsgi_temp_path ${directory}/${name}-u; scgi_temp_path ${directory}/${name}-s;
    ${server} }`,
  );
  return ['nginx', '-c', file, '-e', join(directory, `nginx-${name}.log`)];
}

/** @returns the command that runs HAProxy as a relay */
export function haproxyRelay({ setting, port, upstreamPort }: Place): readonly string[] {
  const pem = join(setting.directory, 'client.pem');
  const file = join(setting.directory, 'haproxy.cfg');
  spawnSync('sh', ['-c', `cat '${setting.certFile}' '${setting.keyFile}' > '${pem}' && chmod 600 '${pem}'`]);
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 65s
  timeout server 30s
  http-reuse always
frontend in
  bind 127.0.0.1:${port}
  default_backend api
backend api
  server api 127.0.0.1:${upstreamPort} ssl crt ${pem} ca-file ${setting.caFile} verify required sni str(localhost) verifyhost localhost pool-max-conn 600
`,
  );
  return ['haproxy', '-f', file, '-db'];
}

/** @returns the command that runs Caddy as a relay with access log and metrics */
export function caddyRelay({ setting, port, upstreamPort }: Place): readonly string[] {
  const file = join(setting.directory, 'Caddyfile');
  writeFileSync(
    file,
    `{
  admin off
  auto_https off
  servers {
    metrics
  }
}
http://127.0.0.1:${port} {
  log {
    output file ${setting.directory}/caddy-access.log
  }
  reverse_proxy https://localhost:${upstreamPort} {
    header_up Host localhost
    transport http {
      tls_client_auth ${setting.certFile} ${setting.keyFile}
      tls_trusted_ca_certs ${setting.caFile}
      keepalive_idle_conns_per_host 600
      versions 1.1
    }
  }
}
`,
  );
  return ['caddy', 'run', '--config', file, '--adapter', 'caddyfile'];
}
