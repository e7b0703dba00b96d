"""Publishes an order to Orderflow: confirmed, mandatory, persistent, under a stable id.

Usage: publish.py ORDER_ID MESSAGE_ID PLACED_AT
Exit codes: 0 the broker has it, 1 it could not be published, 2 wrong usage.
"""

import json
import os
import sys
import time

import pika
from pika.exceptions import AMQPError, UnroutableError

TRIES = 5
EXCHANGE = os.environ.get("ORDERFLOW_EXCHANGE", "shop.events")
# An answer that does not come in ten seconds counts as lost.
TIMEOUTS = {"heartbeat": 20, "socket_timeout": 10, "blocked_connection_timeout": 10}


def event(order_id, message_id, placed_at):
    """The event; your own outbox keeps it, so that every try sends the same bytes."""
    return {
        "specversion": "1.0",
        "id": message_id,
        "source": "/shops/example",
        "type": "shop.order.created.v1",
        "subject": order_id,
        "time": placed_at,
        "data": {
            "order_id": order_id,
            "merchant_id": "merchant-7",
            "customer_ref": "cust-5f1c",
            "total": {"amount_minor": 5800, "currency": "EUR"},
            "placed_at": placed_at,
            "revision": 1,
            "livemode": True,
        },
    }


def publish_once(url, message):
    """Returns once the broker has the message; raises when it has not, or may not have."""
    parameters = pika.URLParameters(url)
    for name, seconds in TIMEOUTS.items():
        setattr(parameters, name, seconds)
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish(
            exchange=EXCHANGE,
            routing_key="order.created",
            body=json.dumps(message).encode(),
            properties=pika.BasicProperties(
                content_type="application/cloudevents+json",
                delivery_mode=2,
                message_id=message["id"],
                type=message["type"],
                app_id=message["source"],
                correlation_id=message["subject"],
                timestamp=int(time.time()),
            ),
            mandatory=True,
        )
    finally:
        if connection.is_open:
            connection.close()


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    message = event(*sys.argv[1:])
    for attempt in range(1, TRIES + 1):
        try:
            publish_once(os.environ["ORDERFLOW_AMQP_URL"], message)
            print(f"confirmed {message['id']}")
            return 0
        except UnroutableError:
            print("returned: no queue takes it; is the topology declared?", file=sys.stderr)
            return 1
        except (AMQPError, OSError) as error:
            # It may have arrived all the same: the same id makes sending it again harmless.
            print(f"try {attempt} of {TRIES} failed: {error!r}", file=sys.stderr)
            if attempt < TRIES:
                time.sleep(2 ** (attempt - 1) / 4)
    return 1


if __name__ == "__main__":
    sys.exit(main())
