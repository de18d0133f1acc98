# The image of any service. Build it from the repository's root:
#   docker build --build-arg SERVICE=gateway -t immichvr-gateway .
#   docker build --build-arg SERVICE=ai --build-arg TORCH_BACKEND=cu130 -t immichvr-ai:cuda .
# What a service needs is read from the pyproject.toml files; see tools/workspace.py. docs/deployment/images.md says more.
ARG SERVICE
# A release gives each with its digest: --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG NODE_IMAGE=node:22-bookworm-slim

# Picked out first, so that a change elsewhere leaves the layers below as they are.
FROM ${PYTHON_IMAGE} AS sources
ARG SERVICE
WORKDIR /repository
COPY . .
RUN python tools/workspace.py image "${SERVICE:?which service: --build-arg SERVICE=…}" /sources

# The pages that a service serves; most have none.
FROM ${NODE_IMAGE} AS web
WORKDIR /web
COPY --from=sources /sources/web/ ./
# Not `npm ci`, which refuses a lock file that lacks other platforms' optional binaries; versions are as locked.
RUN if [ -e package.json ]; then npm install --no-fund --no-audit && npm run build; else mkdir dist; fi

FROM ${PYTHON_IMAGE} AS build
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends binutils && rm -rf /var/lib/apt/lists/* \
    && pip install --no-cache-dir uv==0.13.8 && python -m venv --without-pip /opt/venv
ENV VIRTUAL_ENV=/opt/venv
# cpu, cu130, …: see uv's --torch-backend; empty, the package index's own build. Without torch it means nothing.
ARG TORCH_BACKEND=cpu
# By far the largest layer, so it comes before the code.
WORKDIR /src/foreign
COPY --from=sources /sources/foreign/ ./
RUN uv pip install --no-cache ${TORCH_BACKEND:+--torch-backend="${TORCH_BACKEND}"} \
      -c constraints.txt -r requirements.txt \
    && uv pip install --no-cache --no-deps --require-hashes -r unbound.txt
# Compute capabilities: A100; RTX 30; RTX 40; H100; RTX 50.
ARG CUDA_ARCHITECTURES="8.0;8.6;8.9;9.0;12.0"
COPY tools/image/kernels.sh tools/image/slim.sh tools/image/used.py /src/
RUN sh /src/kernels.sh "${TORCH_BACKEND}" "${CUDA_ARCHITECTURES}" && sh /src/slim.sh "${VIRTUAL_ENV}"
WORKDIR /src/own
COPY --from=sources /sources/own/ ./
RUN uv pip install --no-cache ${TORCH_BACKEND:+--torch-backend="${TORCH_BACKEND}"} \
      -c ../foreign/constraints.txt -r own.txt \
    && /opt/venv/bin/python /src/used.py
# Compiled for any processor of the architecture: the node that runs it is not the one that built it.
ENV NUMBA_CPU_NAME=generic NUMBA_CACHE_DIR=/opt/numba
RUN mkdir /opt/numba && while read -r module; do /opt/venv/bin/python -m "$module" || exit 1; done <warming.txt

FROM ${PYTHON_IMAGE}
ARG SERVICE
# /models and /scratch are for volumes: weights, and temporary files too large for memory.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin immichvr \
    && install -d -o 10001 -g 10001 /models /scratch \
    && python -m pip uninstall --yes pip setuptools wheel
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/numba /opt/numba
COPY --from=web /web/dist/ /opt/web/
COPY tools/image/start.sh tools/image/health.py /opt/
# /tmp has to be writable, and /models where weights are to be downloaded; the rest may be read-only.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    NUMBA_CPU_NAME=generic \
    NUMBA_CACHE_DIR=/tmp/numba \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    IMMICHVR_MODELS_DIR=/models \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,video \
    SERVICE=${SERVICE}
WORKDIR /tmp
USER 10001
# The gateway's pages and API; a worker's gRPC; metrics.
EXPOSE 2284 50051 9090
HEALTHCHECK --interval=30s --timeout=10s --start-period=180s CMD ["sh", "/opt/start.sh", "health"]
CMD ["sh", "/opt/start.sh"]
