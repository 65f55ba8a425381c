# syntax=docker/dockerfile:1
# Two images from one file. docker-compose.yml builds both:
#   docker build --target app    -t harbour .           gateway, worker, commands
#   docker build --target engine -t harbour-engine .    the conversation engine, its model trained here

FROM python:3.11-slim AS app-packages
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /build
COPY pyproject.toml requirements.lock ./
# The versions and hashes of the lock file, without the tools that only tests need.
RUN uv venv -q /opt/venv \
 && uv pip install -q --no-cache --python /opt/venv/bin/python -r pyproject.toml -c requirements.lock

FROM python:3.11-slim AS app
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin harbour \
 && printf '#!/bin/sh\nexec python -m bot.cli "$@"\n' > /usr/local/bin/harbour \
 && chmod 755 /usr/local/bin/harbour
COPY --from=app-packages /opt/venv /opt/venv
WORKDIR /harbour
COPY bot bot
COPY escalation escalation
COPY flows flows
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/harbour PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HARBOUR_IGNORE_RUN_FILE=1 HOME=/tmp
USER 10001
EXPOSE 8000
CMD ["python", "-m", "bot.cli", "gateway"]

FROM python:3.10-slim AS engine-packages
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /build
COPY bot/engine/requirements.lock ./
RUN uv venv -q /opt/venv \
 && uv pip sync -q --no-cache --python /opt/venv/bin/python --require-hashes requirements.lock

FROM python:3.10-slim AS engine
RUN useradd --uid 10002 --no-create-home --shell /usr/sbin/nologin engine
COPY --from=engine-packages /opt/venv /opt/venv
WORKDIR /harbour
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/harbour PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    RASA_TELEMETRY_ENABLED=false OMP_NUM_THREADS=1 HOME=/tmp MPLCONFIGDIR=/tmp
# Only what the engine imports: the application stays out.
COPY bot/__init__.py bot/vocabulary.py bot/
COPY bot/flow bot/flow
COPY bot/engine bot/engine
COPY nlu_data nlu_data
RUN python -m bot.engine.train --out models
USER 10002
EXPOSE 5005
CMD ["python", "-m", "bot.engine.serve", "--model", "models", "--host", "0.0.0.0", "--port", "5005"]
