# llama-swap as it is published, for a user of no rights, with a directory for weights that is his: a volume
# takes over the owner of the directory that it is mounted on.
ARG BUILD=cpu
# hadolint ignore=DL3006  (these tags follow its newest version; name a version's own for a machine that should not change)
FROM ghcr.io/mostlygeek/llama-swap:${BUILD}-non-root
USER 0
RUN install --directory --owner=10001 --group=10001 /models
USER 10001:10001
