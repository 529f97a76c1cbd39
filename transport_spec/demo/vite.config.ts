import { defineConfig } from "vite";

export default defineConfig({
  resolve: { conditions: ["development", "browser", "module"] },
  oxc: { jsx: { runtime: "automatic" } },
  build: { target: "es2023", reportCompressedSize: true },
  server: { host: "127.0.0.1" },
});
