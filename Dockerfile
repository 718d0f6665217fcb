# The operator's image: a virtual environment on a slim Python, no pip, no compiler, nobody is root. Nothing is written at
# run time, so the root file system can be read-only. Versions are pinned in constraints.txt; with SOURCE_DATE_EPOCH given,
# the files are the same bytes each time. The base is named by its tag: a release builds on the digest that it has on that
# day and labels the image with it; for the same bytes later, give that as PYTHON=python:3.12-slim@sha256:...
ARG PYTHON=python:3.12-slim

FROM ${PYTHON} AS build
ARG SOURCE_DATE_EPOCH=1767225600
WORKDIR /src
RUN python -m venv /venv
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY operator operator
RUN /venv/bin/python -m pip install --no-cache-dir --no-compile --disable-pip-version-check -c constraints.txt . \
 && /venv/bin/python -m pip uninstall --yes --quiet pip \
 && find /venv -name tests -type d -prune -exec rm -r {} + \
 && find /venv -name __pycache__ -type d -prune -exec rm -r {} + \
 && find /venv -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
# Bytecode only of what is imported: of the Kubernetes client that is little, and all of it would be 110 MB. It names the
# source by its time, which was set above.
RUN /venv/bin/python -m hyperdrive_operator --version \
 && /venv/bin/python -c 'import hyperdrive_operator.optimizer.propose, hyperdrive_operator.runtime.supervisor' \
 && find /venv -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

FROM ${PYTHON}
LABEL org.opencontainers.image.title="hyperdrive-operator" \
      org.opencontainers.image.description="Hyperparameter tuning on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["python", "-m", "hyperdrive_operator"]
