// Publishes an order to Orderflow: confirmed, mandatory, persistent, under a stable id.
//
// Usage: node publish.js ORDER_ID MESSAGE_ID PLACED_AT
// Exit codes: 0 the broker has it, 1 it could not be published, 2 wrong usage.
"use strict";

const amqp = require("amqplib");
const { setTimeout: sleep } = require("node:timers/promises");

const TRIES = 5;
const TIMEOUT_MS = 10_000;
const EXCHANGE = process.env.ORDERFLOW_EXCHANGE ?? "shop.events";

class Returned extends Error {}

// The event; your own outbox keeps it, so that every try sends the same bytes.
function event(orderId, messageId, placedAt) {
  return {
    specversion: "1.0",
    id: messageId,
    source: "/shops/example",
    type: "shop.order.created.v1",
    subject: orderId,
    time: placedAt,
    data: {
      order_id: orderId,
      merchant_id: "merchant-7",
      customer_ref: "cust-5f1c",
      total: { amount_minor: 5800, currency: "EUR" },
      placed_at: placedAt,
      revision: 1,
      livemode: true,
    },
  };
}

// Resolves once the broker has the message; rejects when it has not, or may not have.
async function publishOnce(url, message) {
  const connection = await amqp.connect(url, { timeout: TIMEOUT_MS });
  const lost = new Promise((_, reject) => {
    connection.on("error", reject);
    connection.on("close", () => reject(new Error("the connection was closed")));
    setTimeout(() => reject(new Error("no confirm in time")), TIMEOUT_MS).unref();
  });
  lost.catch(() => {});
  try {
    const channel = await Promise.race([connection.createConfirmChannel(), lost]);
    const answer = new Promise((resolve, reject) => {
      channel.on("error", reject);
      // A returned message is confirmed as well, but the return comes first.
      channel.on("return", () => reject(new Returned("no queue takes it")));
      const properties = {
        contentType: "application/cloudevents+json",
        persistent: true,
        mandatory: true,
        messageId: message.id,
        type: message.type,
        appId: message.source,
        correlationId: message.subject,
        timestamp: Math.floor(Date.now() / 1000),
      };
      const body = Buffer.from(JSON.stringify(message));
      channel.publish(EXCHANGE, "order.created", body, properties, (error) =>
        error ? reject(error) : resolve(),
      );
    });
    await Promise.race([answer, lost]);
  } finally {
    await connection.close().catch(() => {});
  }
}

async function main(args) {
  if (args.length !== 3) {
    console.error("Usage: node publish.js ORDER_ID MESSAGE_ID PLACED_AT");
    return 2;
  }
  const message = event(...args);
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    try {
      await publishOnce(process.env.ORDERFLOW_AMQP_URL, message);
      console.log(`confirmed ${message.id}`);
      return 0;
    } catch (error) {
      if (error instanceof Returned) {
        console.error("returned: no queue takes it; is the topology declared?");
        return 1;
      }
      // It may have arrived all the same: the same id makes sending it again harmless.
      console.error(`try ${attempt} of ${TRIES} failed: ${error.message}`);
      if (attempt < TRIES) await sleep(250 * 2 ** (attempt - 1));
    }
  }
  return 1;
}

main(process.argv.slice(2)).then((code) => process.exit(code));
