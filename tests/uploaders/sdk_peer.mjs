// Azure's own SDK does what Kiln does, against the strict fake: token, managed disk with direct upload, managed image,
// gallery version. Arguments: the fake's URL, node_modules.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import { createRequire } from "node:module";

const [endpoint, modules] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { ClientSecretCredential } = require("@azure/identity");
const { ComputeManagementClient } = require("@azure/arm-compute");
const { PageBlobClient } = require("@azure/storage-blob");

const MIB = 1 << 20;
const SIZE = 24 * MIB;
const GROUP = "images";
const quick = { updateIntervalInMs: 10 };

/** The last 512 bytes of a fixed VHD. */
function footer(size) {
  const bytes = Buffer.alloc(512);
  bytes.write("conectix", 0);
  bytes.writeUInt32BE(2, 8);
  bytes.writeUInt32BE(0x10000, 12);
  bytes.fill(0xff, 16, 24);
  bytes.write("win ", 28);
  bytes.write("Wi2k", 36);
  bytes.writeBigUInt64BE(BigInt(size), 40);
  bytes.writeBigUInt64BE(BigInt(size), 48);
  bytes.writeUInt32BE(2, 60);
  let sum = 0;
  for (const byte of bytes) sum += byte;
  bytes.writeUInt32BE(~sum >>> 0, 64);
  return bytes;
}

async function fill(sas, broken) {
  const blob = new PageBlobClient(sas);
  const write = (data, offset) => blob.uploadPages(data, offset, data.length, {
    transactionalContentMD5: crypto.createHash("md5").update(data).digest(),
  });
  await write(Buffer.alloc(64 * 1024, 7), MIB);
  const last = footer(SIZE);
  if (broken) last[0] = 0;
  await write(last, SIZE);
  const ranges = await blob.getPageRanges();
  assert.deepEqual(ranges.pageRange.map((range) => [range.offset, range.count]),
                   [[MIB, 64 * 1024 - 1], [SIZE, 511]]);
}

async function uploadDisk(client, name, broken = false) {
  const made = await client.disks.beginCreateOrUpdateAndWait(GROUP, name, {
    location: "westeurope",
    sku: { name: "Standard_LRS" },
    osType: "Linux",
    hyperVGeneration: "V2",
    creationData: { createOption: "Upload", uploadSizeBytes: SIZE + 512 },
  }, quick);
  assert.equal(made.diskState, "ReadyToUpload");
  const access = await client.disks.beginGrantAccessAndWait(
    GROUP, name, { access: "Write", durationInSeconds: 3600 }, quick);
  const sas = access.accessSAS ?? access.accessSas;
  assert.ok(sas, JSON.stringify(access));
  await fill(sas, broken);
  await client.disks.beginRevokeAccessAndWait(GROUP, name, quick);
  await assert.rejects(fill(sas, false), (error) => error.statusCode === 403 || error.statusCode === 404);
  const disk = await client.disks.get(GROUP, name);
  assert.equal(disk.diskState, "Unattached");
  return disk.id;
}

const credential = new ClientSecretCredential(
  "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222",
  "planted~client.secret-0123456789", { authorityHost: endpoint, disableInstanceDiscovery: true });
const client = new ComputeManagementClient(credential, "33333333-3333-3333-3333-333333333333", {
  endpoint, credentialScopes: [endpoint + "/.default"],
});

const disk = await uploadDisk(client, "peer");
const image = await client.images.beginCreateOrUpdateAndWait(GROUP, "peer", {
  location: "westeurope",
  hyperVGeneration: "V2",
  storageProfile: { osDisk: { osType: "Linux", osState: "Generalized", managedDisk: { id: disk } } },
}, quick);
assert.equal(image.provisioningState, "Succeeded");

for (const [name, source] of [["1.0.0", { osDiskImage: { source: { id: disk } } }],
                              ["1.0.1", { source: { id: image.id } }]]) {
  const version = await client.galleryImageVersions.beginCreateOrUpdateAndWait(GROUP, "g", "d", name, {
    location: "westeurope",
    storageProfile: source,
    publishingProfile: { targetRegions: [{ name: "westeurope", regionalReplicaCount: 1 }] },
  }, quick);
  assert.equal(version.provisioningState, "Succeeded");
}
const names = [];
for await (const version of client.galleryImageVersions.listByGalleryImage(GROUP, "g", "d")) names.push(version.name);
assert.deepEqual(names, ["1.0.0", "1.0.1"]);

await client.images.beginDeleteAndWait(GROUP, "peer", quick);
await client.disks.beginDeleteAndWait(GROUP, "peer", quick);
await assert.rejects(client.disks.get(GROUP, "peer"), (error) => error.code === "ResourceNotFound");
await assert.rejects(uploadDisk(client, "broken", true), (error) => /conectix/.test(error.message));
console.log("ok");
