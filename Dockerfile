# The image has the executable of a Debian package: "npm run build:executables && npm run build:deb" first, then
#   docker build -t recordupload .
# Its root can be read-only. It writes to /var/lib/recordupload, which should be a volume, and to /tmp.
FROM debian:bookworm-slim AS package
# BuildKit sets it: amd64 or arm64, as Debian calls them.
ARG TARGETARCH=amd64
COPY dist/recordupload_*.deb /packages/
RUN dpkg-deb --extract /packages/recordupload_*_"$TARGETARCH".deb /package

FROM debian:bookworm-slim
# A fixed number: it owns the volumes and secrets on the host.
RUN groupadd --system --gid 10001 recordupload \
    && useradd --system --uid 10001 --gid recordupload --home-dir /var/lib/recordupload --no-create-home \
    --shell /usr/sbin/nologin recordupload \
    && install --directory --mode 700 --owner recordupload --group recordupload /var/lib/recordupload \
    && install --directory /var/recordings
COPY --from=package /package/usr/share/doc/recordupload/copyright /usr/share/doc/recordupload/copyright
COPY --from=package /package/usr/bin/recordupload /usr/bin/recordupload
ENV RECORDUPLOAD_STATE_DIR=/var/lib/recordupload
VOLUME ["/var/lib/recordupload"]
WORKDIR /var/lib/recordupload
# As a number, for Kubernetes' runAsNonRoot.
USER 10001:10001
# The worker's dashboard answers. What waits for the bucket or the server is no reason to start it again.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s --retries=3 CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8707 && printf 'GET /healthz HTTP/1.0\\r\\nHost: 127.0.0.1:8707\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && test \"$status\" = 200"]
ENTRYPOINT ["recordupload"]
CMD ["watch", "--dashboard", "/var/recordings"]
