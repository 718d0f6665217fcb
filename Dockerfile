# The operator's image: a virtual environment on a slim Python, no shell in the way, nobody is root.
# Nothing is written at run time, so the root file system can be read-only.
FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /venv
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check . \
 && /venv/bin/python -m pip uninstall --yes --quiet pip setuptools 2>/dev/null; \
    find /venv -name tests -type d -prune -exec rm -r {} + \
 && /venv/bin/python -m hyperdrive_operator --version \
 && /venv/bin/python -c 'import hyperdrive_operator.optimizer.propose'

FROM python:3.12-slim
LABEL org.opencontainers.image.title="hyperdrive-operator" \
      org.opencontainers.image.description="Hyperparameter tuning on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["python", "-m", "hyperdrive_operator"]
