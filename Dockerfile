# launchproof as one static binary and nothing else:
#   docker build --tag launchproof .
#   docker run --rm --user "$(id -u)" --volume "$PWD:/here" launchproof test server --target ehr.toml
# There is no shell in it and no browser: secrets come by env or file, and sign-in by --agent http.
FROM rust:1.95-bookworm AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends musl-tools ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && rustup target add x86_64-unknown-linux-musl
WORKDIR /source
COPY . .
RUN packaging/musl /dist && mkdir /dist/here

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /dist/launchproof /launchproof
COPY --from=build --chown=65534:65534 /dist/here /here
USER 65534:65534
WORKDIR /here
ENTRYPOINT ["/launchproof"]
CMD ["--help"]
