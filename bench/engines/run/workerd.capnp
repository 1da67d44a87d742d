using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(
    name = "main",
    worker = (
      modules = [
        (name = "workerd.js", esModule = embed "workerd.js"),
        (name = "train.js", esModule = embed "train.js"),
        (name = "compiled/model.js", esModule = embed "compiled/model.js"),
        (name = "compiled/model.json", json = embed "compiled/model.json"),
        (name = "compiled/model.plain.wasm", wasm = embed "compiled/model.plain.wasm"),
      ],
      compatibilityDate = "2025-01-01",
    ),
  )],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
