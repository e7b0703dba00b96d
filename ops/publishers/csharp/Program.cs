// Publishes an order to Orderflow: confirmed, mandatory, persistent, under a stable id.
//
// Usage: publish-order ORDER_ID MESSAGE_ID PLACED_AT
// Exit codes: 0 the broker has it, 1 it could not be published, 2 wrong usage.
using System;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace PublishOrder;

public static class Program
{
    private const int Tries = 5;
    private const string Type = "shop.order.created.v1";
    private const string Source = "/shops/example";
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    public static async Task<int> Main(string[] args)
    {
        if (args.Length != 3)
        {
            Console.Error.WriteLine("Usage: publish-order ORDER_ID MESSAGE_ID PLACED_AT");
            return 2;
        }
        byte[] body = Event(args[0], args[1], args[2]);
        for (int attempt = 1; attempt <= Tries; attempt++)
        {
            try
            {
                await PublishOnce(args[0], args[1], body);
                Console.WriteLine($"confirmed {args[1]}");
                return 0;
            }
            catch (PublishException error) when (error.IsReturn)
            {
                Console.Error.WriteLine("returned: no queue takes it; is the topology declared?");
                return 1;
            }
            catch (Exception error)
            {
                // It may have arrived all the same: the same id makes sending it again harmless.
                Console.Error.WriteLine($"try {attempt} of {Tries} failed: {error.Message}");
            }
            if (attempt < Tries)
            {
                await Task.Delay(250 << (attempt - 1));
            }
        }
        return 1;
    }

    /// <summary>The event; your own outbox keeps it, so that every try sends the same bytes.</summary>
    private static byte[] Event(string orderId, string messageId, string placedAt) =>
        JsonSerializer.SerializeToUtf8Bytes(new
        {
            specversion = "1.0",
            id = messageId,
            source = Source,
            type = Type,
            subject = orderId,
            time = placedAt,
            data = new
            {
                order_id = orderId,
                merchant_id = "merchant-7",
                customer_ref = "cust-5f1c",
                total = new { amount_minor = 5800, currency = "EUR" },
                placed_at = placedAt,
                revision = 1,
                livemode = true,
            },
        });

    /// <summary>Returns once the broker has the message; throws when it may not have.</summary>
    private static async Task PublishOnce(string orderId, string messageId, byte[] body)
    {
        var factory = new ConnectionFactory
        {
            Uri = new Uri(Environment.GetEnvironmentVariable("ORDERFLOW_AMQP_URL") ?? ""),
            AutomaticRecoveryEnabled = false,
            RequestedConnectionTimeout = Timeout,
            RequestedHeartbeat = TimeSpan.FromSeconds(20),
        };
        using var limit = new CancellationTokenSource(Timeout);
        await using IConnection connection = await factory.CreateConnectionAsync(limit.Token);
        // With tracking, publishing waits for the confirm and throws when the message comes back.
        var options = new CreateChannelOptions(
            publisherConfirmationsEnabled: true,
            publisherConfirmationTrackingEnabled: true);
        await using IChannel channel = await connection.CreateChannelAsync(options, limit.Token);
        var properties = new BasicProperties
        {
            ContentType = "application/cloudevents+json",
            DeliveryMode = DeliveryModes.Persistent,
            MessageId = messageId,
            Type = Type,
            AppId = Source,
            CorrelationId = orderId,
            Timestamp = new AmqpTimestamp(DateTimeOffset.UtcNow.ToUnixTimeSeconds()),
        };
        await channel.BasicPublishAsync(
            exchange: Environment.GetEnvironmentVariable("ORDERFLOW_EXCHANGE") ?? "shop.events",
            routingKey: "order.created",
            mandatory: true,
            basicProperties: properties,
            body: body,
            cancellationToken: limit.Token);
    }
}
