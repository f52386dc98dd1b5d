# Bridge as an image: built as a wheel, run without build tools and without root.
#   docker build --tag bridge:local .
#   docker run --init --publish 127.0.0.1:8080:8080 --volume bridge-data:/var/lib/bridge bridge:local
# docs/deploying.md has the rest.
ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml setup.cfg README.md LICENSE ./
COPY bridge bridge
COPY wsdl_cache wsdl_cache
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .
RUN python -m venv --without-pip /opt/bridge \
    && pip --python /opt/bridge/bin/python install --no-cache-dir "$(echo /wheels/bridge-*.whl)[postgres]"

FROM python:${PYTHON_VERSION}-slim-bookworm
RUN groupadd --system --gid 10001 bridge \
    && useradd --system --uid 10001 --gid bridge --no-create-home --home-dir /var/lib/bridge --shell /usr/sbin/nologin bridge \
    && install --directory --owner bridge --group bridge --mode 0700 /var/lib/bridge
COPY --from=build /opt/bridge /opt/bridge
ENV PATH=/opt/bridge/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    BRIDGE_DATA_DIR=/var/lib/bridge \
    BRIDGE_LOG_FORMAT=json
USER bridge
WORKDIR /
VOLUME /var/lib/bridge
EXPOSE 8080
# SIGTERM lets running calls finish, for `shutdown.timeout_s`.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["bridge", "health"]
ENTRYPOINT ["bridge"]
CMD ["serve", "--host", "0.0.0.0"]
