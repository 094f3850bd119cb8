# Cenote in a container. The data, the keys and the master key are volumes of their own: a snapshot of the
# data must not hold the keys, and a container that is thrown away must not take either with it.
FROM python:3.11-slim

RUN useradd --system --create-home --uid 10001 cenote \
    && install -d -o cenote -g cenote -m 700 /var/lib/cenote /var/lib/cenote-keys /run/cenote-master
WORKDIR /opt/cenote
COPY requirements-run.lock pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install --no-cache-dir --require-hashes --requirement requirements-run.lock \
    && pip install --no-cache-dir hatchling editables \
    && pip install --no-cache-dir --no-deps --no-build-isolation . \
    && pip uninstall --yes hatchling editables

USER cenote
ENV CENOTE_HOST=0.0.0.0 \
    CENOTE_DATA=/var/lib/cenote/data \
    CENOTE_KEYS=/var/lib/cenote-keys/keys \
    CENOTE_MASTER_KEY_FILE=/run/cenote-master/master.key
VOLUME ["/var/lib/cenote", "/var/lib/cenote-keys", "/run/cenote-master"]
EXPOSE 9229
HEALTHCHECK --interval=10s --timeout=3s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9229/health', timeout=2)"]
ENTRYPOINT ["cenote"]
CMD ["serve"]
