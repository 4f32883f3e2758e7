// upload_pages.js CONNECTION-STRING CONTAINER BLOB FILE: a page blob by Azure's SDK for JavaScript, as its users write it: pieces of
// 4 MiB, those that are all zero left out, eight at a time. The SDK itself has no upload of a whole file to a page blob.
'use strict';
const fs = require('node:fs/promises');
const {BlobServiceClient} = require('@azure/storage-blob');

const PIECE = 4 << 20;
const WORKERS = 8;

async function main([connection, container, name, path]) {
  const file = await fs.open(path);
  const {size} = await file.stat();
  const blob =
      BlobServiceClient.fromConnectionString(connection).getContainerClient(container).getPageBlobClient(name);
  await blob.create(size);
  let next = 0;
  const work = async () => {
    const buffer = Buffer.allocUnsafe(PIECE);
    const zero = Buffer.alloc(PIECE);
    while (next < size) {
      const offset = next;
      next += PIECE;
      const {bytesRead} = await file.read(buffer, 0, PIECE, offset);
      if (buffer.compare(zero, 0, bytesRead, 0, bytesRead) === 0) continue;
      await blob.uploadPages(buffer.subarray(0, bytesRead), offset, bytesRead);
    }
  };
  await Promise.all(Array.from({length: WORKERS}, work));
  await file.close();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
