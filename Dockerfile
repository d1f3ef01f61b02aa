FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X github.com/lanyard-id/lanyard/cmd.version=${VERSION}" -o /out/lanyard .
RUN mkdir /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/lanyard /lanyard
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /data
EXPOSE 4477
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/lanyard", "health"]
ENTRYPOINT ["/lanyard"]
CMD ["serve"]
