# The package in workerd: `workerd test`, with the world of the contract in KEYWARD_WORLD.

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "contract", worker = .contract),
    # The servers of the tests listen on loopback.
    (name = "internet", network = (allow = ["private"])),
  ],
);

const contract :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  bindings = [(name = "WORLD", fromEnvironment = "KEYWARD_WORLD")],
  modules = [
    (name = "test/edge.worker.mjs", esModule = embed "edge.worker.mjs"),
    (name = "test/contract.mjs", esModule = embed "contract.mjs"),
    (name = "edge.mjs", esModule = embed "../edge.mjs"),
    (name = "client.mjs", esModule = embed "../client.mjs"),
    (name = "errors.mjs", esModule = embed "../errors.mjs"),
    (name = "failure.mjs", esModule = embed "../failure.mjs"),
    (name = "pkg/keyward.js", esModule = embed "../pkg/keyward.js"),
    (name = "pkg/keyward_bg.wasm", wasm = embed "../pkg/keyward_bg.wasm"),
  ],
);
