# One image for every app: docker-compose.yml gives each service its command.

# Only the package manifests, so that a change of code does not reinstall the packages.
FROM node:24-bookworm-slim AS manifests
WORKDIR /pns
COPY . .
RUN mkdir /manifests && find . -name package.json -o -name package-lock.json | xargs cp --parents -t /manifests

FROM node:24-bookworm-slim AS build
WORKDIR /pns
COPY --from=manifests /manifests ./
RUN npm ci --no-audit --no-fund
COPY . .
# The remaining files beside dist/ are read at run time (Redis scripts, pages). Packages that only start local servers are removed.
RUN npx tsc --build apps/api apps/dispatcher apps/worker-websocket apps/worker-webhook \
   apps/worker-apns apps/worker-fcm apps/worker-wns apps/worker-webpush apps/sandbox apps/cli \
 && rm -rf node_modules apps/standalone apps/bench apps/chaos apps/e2e libs/local-servers \
 && find apps libs -name '*.ts' -delete -o -name 'tsconfig.json' -delete -o -name '*.tsbuildinfo' -delete

FROM node:24-bookworm-slim AS packages
WORKDIR /pns
COPY --from=manifests /manifests ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force

FROM node:24-bookworm-slim
# Memory for young objects: with some thousand deliveries in progress, garbage collection costs a tenth less.
ENV NODE_ENV=production NODE_OPTIONS="--enable-source-maps --max-semi-space-size=64"
# libuv gives half of its threads, and of its usual four only two, to look-ups of names, which are slow where a name server is
# silent. An idle thread costs some kilobytes.
ENV UV_THREADPOOL_SIZE=64
WORKDIR /pns
COPY --from=packages /pns/node_modules ./node_modules
COPY --from=build /pns/package.json ./
COPY --from=build /pns/apps ./apps
COPY --from=build /pns/libs ./libs
COPY openapi.json ./
COPY deploy/config ./config
COPY deploy/is-alive.sh ./
RUN ln -s /pns/apps/cli/bin/pns.mjs /usr/local/bin/pns
USER node
CMD ["node", "apps/api/dist/main.js"]
