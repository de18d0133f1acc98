#!/bin/sh
# Prints a Secret with keys that nobody has seen.
set -eu
echo 'apiVersion: v1'
echo 'kind: Secret'
echo 'metadata: {name: immichvr-secrets, namespace: immichvr}'
echo 'stringData:'
printf '  %s: "k%s"\n' access-token "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' attach-ai "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' metrics-token "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' nats-ai "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' nats-converter "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' nats-gateway "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' nats-inpaint "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' nats-video-depth "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' rpc-ai "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' rpc-converter "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' rpc-inpaint "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' rpc-video-depth "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' s3-ai-access-key "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' s3-ai-secret-key "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' s3-converter-access-key "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' s3-converter-secret-key "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' s3-gateway-access-key "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' s3-gateway-secret-key "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' s3-inpaint-access-key "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' s3-inpaint-secret-key "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' s3-video-depth-access-key "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' s3-video-depth-secret-key "$(openssl rand -hex 24)"
printf '  %s: "k%s"\n' session-key "$(openssl rand -hex 24)"
