# The compiled program on a small image, without root.
#   docker build -t touchstone . && docker run -p 127.0.0.1:4000:4000 -p 127.0.0.1:4100:4100 -p 127.0.0.1:4900:4900 touchstone

FROM node:24.9.0-bookworm AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY Makefile tsconfig.json tsconfig.build.json ./
COPY generated ./generated
COPY codegen/bundle.ts ./codegen/bundle.ts
COPY src ./src
RUN make build && npm prune --omit=dev --no-audit --no-fund

FROM node:24.9.0-alpine3.22
ENV NODE_ENV=production
WORKDIR /touchstone
COPY LICENSE ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
USER node
# The first ASE, the second one, the control API
EXPOSE 4000 4100 4900
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TOUCHSTONE_PORT ?? 4000}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# A package in the bundle calls url.parse(), of which Node.js warns outside of node_modules.
ENTRYPOINT ["node", "--disable-warning=DEP0169", "dist/src/main.js"]
# Within a container every address is reachable from outside; the published ports decide who may connect. --insecure does
# not allow requests to private addresses: --allow-private-addresses does.
CMD ["start", "--host", "0.0.0.0", "--control-host", "0.0.0.0", "--insecure"]
