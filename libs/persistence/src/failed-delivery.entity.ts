import type { OutcomeKind, TransportName } from '@pns/transport-contract';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('failed_deliveries')
export class FailedDeliveryEntity {
  @PrimaryColumn('text', { name: 'delivery_id' }) deliveryId!: string;
  @Column('text', { name: 'notification_id' }) notificationId!: string;
  @Column('int', { name: 'context_id' }) context!: number;
  @Column('int', { name: 'user_id' }) user!: number;
  @Column('text') client!: string;
  @Column('varchar') transport!: TransportName;
  @Column('text') topic!: string;
  @Column('uuid', { name: 'subscription_id', nullable: true }) subscriptionId!: string | null;
  @Column('varchar') outcome!: OutcomeKind;
  @Column('text') reason!: string;
  /** Whether the delivery is held: it is sent automatically after the settings of its client are corrected. */
  @Column('boolean', { name: 'held' }) isHeld!: boolean;
  /** The hash of the token, while the delivery is kept because its endpoint is switched off. */
  @Column('bytea', { nullable: true }) endpoint!: Buffer | null;
  @Column('int') attempts!: number;
  @Column('json') delivery!: object;
  @Column('timestamptz', { name: 'failed_at' }) failedAt!: Date;
}
