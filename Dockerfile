# One image for every role: the command says which (docker-compose.yml). Without one it is the whole grid in one process.
#
#   docker build -t spacegrid .
#   docker run --rm -p 127.0.0.1:8080:8080 -v spacegrid:/data spacegrid

FROM node:24-slim AS dependencies
WORKDIR /spacegrid
# Only what decides the dependencies: a change of the sources does not install them anew.
COPY package.json package-lock.json .npmrc ./
COPY grid/package.json grid/
COPY processing-units/runtime/package.json processing-units/runtime/
COPY processing-units/ticketing/package.json processing-units/ticketing/
COPY processing-units/auction/package.json processing-units/auction/
COPY data-pump/package.json data-pump/
COPY data-writer/package.json data-writer/
COPY data-reader/package.json data-reader/
COPY waiting-room/package.json waiting-room/
COPY console/package.json console/
COPY deployment-manager/package.json deployment-manager/
COPY spacegrid/package.json spacegrid/
COPY proof/package.json proof/
COPY bench/package.json bench/
# The image has a Node.js already: the one that npm brings for development machines would be the largest part of it. What
# else is left out nobody reads there: source maps, declarations, and LMDB for other versions and C libraries.
# DRIVER: what a deployment manager asks Docker (dockerode@5) or Kubernetes (@kubernetes/client-node@2) with.
ARG DRIVER=
RUN npm ci --omit=dev \
  && if [ -n "$DRIVER" ]; then npm install --no-save --omit=dev "$DRIVER"; fi \
  && rm -rf node_modules/node-linux-* node_modules/node-bin-* node_modules/.bin/node \
    node_modules/@lmdb/*/*.abi*.node node_modules/@lmdb/*/*.musl.node \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.md' \) \
    ! -iname 'licen*' -delete

FROM node:24-slim
# Inside a container the loopback address is nobody's: it listens on all of its own.
# The young generation stays small enough that clearing it is not what the slowest requests wait for (bench/results).
ENV NODE_OPTIONS=--max-semi-space-size=16
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 ADMIN_PORT=9090 DATA_DIR=/data
WORKDIR /spacegrid
COPY --from=dependencies /spacegrid ./
COPY . .
# Sources and dependencies belong to root: a process that is taken over cannot change them.
RUN install -d -o node -g node /data
USER node
VOLUME /data
EXPOSE 8080 9090
# Alive, not ready: a unit that rehydrates is healthy, and must not be replaced for it. The gateway asks for readiness.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ADMIN_PORT}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# As a list, not through a shell: SIGTERM must reach Node.js, which then finishes what is open.
CMD ["node", "spacegrid/cli.ts", "start", "processing-units/ticketing/space.ts", "processing-units/auction/space.ts"]
