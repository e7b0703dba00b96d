<?php

/*
 * Publishes an order to Orderflow: confirmed, mandatory, persistent, under a stable id.
 *
 * Usage: php publish.php ORDER_ID MESSAGE_ID PLACED_AT
 * Exit codes: 0 the broker has it, 1 it could not be published, 2 wrong usage.
 */

declare(strict_types=1);

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Message\AMQPMessage;

if (is_file(__DIR__ . '/vendor/autoload.php')) {
    require __DIR__ . '/vendor/autoload.php';
}

const TRIES = 5;
const TIMEOUT_S = 10.0;

final class Returned extends RuntimeException
{
}

/** The event; your own outbox keeps it, so that every try sends the same bytes. */
function event(string $orderId, string $messageId, string $placedAt): array
{
    return [
        'specversion' => '1.0',
        'id' => $messageId,
        'source' => '/shops/example',
        'type' => 'shop.order.created.v1',
        'subject' => $orderId,
        'time' => $placedAt,
        'data' => [
            'order_id' => $orderId,
            'merchant_id' => 'merchant-7',
            'customer_ref' => 'cust-5f1c',
            'total' => ['amount_minor' => 5800, 'currency' => 'EUR'],
            'placed_at' => $placedAt,
            'revision' => 1,
            'livemode' => true,
        ],
    ];
}

function connect(string $url): AMQPStreamConnection
{
    $parts = parse_url($url);
    $vhost = rawurldecode(ltrim($parts['path'] ?? '', '/'));
    return new AMQPStreamConnection(
        $parts['host'],
        $parts['port'] ?? 5672,
        rawurldecode($parts['user'] ?? 'guest'),
        rawurldecode($parts['pass'] ?? 'guest'),
        $vhost === '' ? '/' : $vhost,
        connection_timeout: TIMEOUT_S,
        read_write_timeout: 2 * TIMEOUT_S,
        channel_rpc_timeout: TIMEOUT_S,
    );
}

/** Returns once the broker has the message; throws when it has not, or may not have. */
function publishOnce(string $url, string $exchange, array $event): void
{
    $connection = connect($url);
    try {
        $channel = $connection->channel();
        $outcome = 'no confirm in time';
        $channel->set_ack_handler(function () use (&$outcome): void {
            // A returned message is confirmed as well, but the return comes first.
            $outcome = $outcome === 'returned' ? $outcome : 'confirmed';
        });
        $channel->set_nack_handler(function () use (&$outcome): void {
            $outcome = 'the broker did not take it';
        });
        $channel->set_return_listener(function () use (&$outcome): void {
            $outcome = 'returned';
        });
        $channel->confirm_select();
        $message = new AMQPMessage(json_encode($event, JSON_THROW_ON_ERROR), [
            'content_type' => 'application/cloudevents+json',
            'delivery_mode' => AMQPMessage::DELIVERY_MODE_PERSISTENT,
            'message_id' => $event['id'],
            'type' => $event['type'],
            'app_id' => $event['source'],
            'correlation_id' => $event['subject'],
            'timestamp' => time(),
        ]);
        $channel->basic_publish($message, $exchange, 'order.created', mandatory: true);
        $channel->wait_for_pending_acks_returns(TIMEOUT_S);
    } finally {
        if ($connection->isConnected()) {
            $connection->close();
        }
    }
    match ($outcome) {
        'confirmed' => null,
        'returned' => throw new Returned($outcome),
        default => throw new RuntimeException($outcome),
    };
}

if ($argc !== 4) {
    fwrite(STDERR, "Usage: php publish.php ORDER_ID MESSAGE_ID PLACED_AT\n");
    exit(2);
}
$event = event($argv[1], $argv[2], $argv[3]);
$exchange = getenv('ORDERFLOW_EXCHANGE') ?: 'shop.events';
for ($attempt = 1; $attempt <= TRIES; $attempt++) {
    try {
        publishOnce((string) getenv('ORDERFLOW_AMQP_URL'), $exchange, $event);
        echo "confirmed {$event['id']}\n";
        exit(0);
    } catch (Returned) {
        fwrite(STDERR, "returned: no queue takes it; is the topology declared?\n");
        exit(1);
    } catch (Exception $error) {
        // It may have arrived all the same: the same id makes sending it again harmless.
        fprintf(STDERR, "try %d of %d failed: %s\n", $attempt, TRIES, $error->getMessage());
        if ($attempt < TRIES) {
            usleep(250_000 * 2 ** ($attempt - 1));
        }
    }
}
exit(1);
