# hmer with its weights, for a user without rights:
#   docker build -t hmer .
#   docker run --rm --network none --user "$(id -u):$(id -g)" -v "$PWD:/work" hmer convert notes/ --out eqs.tex
FROM python:3.12-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY hmer_cli hmer_cli
COPY weights weights
RUN python -m venv --without-pip /opt/hmer \
    && pip --python /opt/hmer/bin/python install --no-cache-dir --no-compile . \
    && find /opt/hmer -type d -name tests -prune -exec rm -r {} + \
    && /opt/hmer/bin/python -m compileall -q -j 0 /opt/hmer/lib

FROM python:3.12-slim
RUN useradd --create-home --uid 1000 hmer
COPY --from=build /opt/hmer /opt/hmer
ENV PATH="/opt/hmer/bin:$PATH" \
    HMER_CACHE="/tmp/hmer"
USER 1000
WORKDIR /work
ENTRYPOINT ["hmer"]
CMD ["--help"]
